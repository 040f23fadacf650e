"""Mend: a healthy worker reports a bug of its own (faust-streaming 0.15.3).

Faust looks for partitions that nothing is committed of: it logs "Has not committed … (report as bug)", or that the
stream stopped, wherever an event is there at the moment and the last commit or event was five minutes ago. The first
post after a quiet hour looks so. Here a partition stands still when its committed offset has not moved for as long,
and something was left to commit at each look since. Upstream: not found.
"""

from dataclasses import dataclass, field
from typing import Final

from faust.types.tuples import TP

#: Seconds between two lines about the same partition.
AGAIN: Final = 60.0


@dataclass(slots=True)
class _Look:
    committed: int | None
    since: float
    told: float
    last: float


@dataclass(frozen=True)
class CommitStandstill:
    """What was seen of each partition since its committed offset moved, or nothing was left to commit."""

    #: Seconds after which a partition stands still.
    patience: float
    _looks: dict[TP, _Look] = field(default_factory=dict)

    def seen(self, partition: TP, committed: int | None, left: bool, now: float) -> float | None:
        """Note a look; ``left``: something is left to commit. Return the seconds of a standstill that is to be told."""
        look = self._looks.get(partition)
        if not left:
            self._looks.pop(partition, None)
            return None
        if look is None or look.committed != committed or now - look.last > AGAIN:  # it was another worker's meanwhile
            self._looks[partition] = _Look(committed, now, now - AGAIN, now)
            return None
        look.last = now
        if now - look.since < self.patience or now - look.told < AGAIN:
            return None
        look.told = now
        return now - look.since
