"""Which partitions of the changelogs this worker has by now: as the owner of the table's partition, or as a standby.

Faust applies records, and stores offsets, of whatever partition they are, and opens its database for it. With standby
tables such records are common around a rebalance: they wait in buffers when their partition is given to another.
"""

from typing import TYPE_CHECKING, cast

from faust.types.tuples import TP

if TYPE_CHECKING:
    from microblog_streams.application import MicroblogApp


class Holdings:
    """What the group's assignor gave to this worker, looked up once a generation: records are many."""

    def __init__(self, app: object) -> None:
        """Nothing is held before the first assignment."""
        self._app = cast("MicroblogApp", app)
        self._generation: int | None = None
        self._owned: frozenset[TP] = frozenset()
        self._standby: frozenset[TP] = frozenset()

    def owned(self) -> frozenset[TP]:
        """Return the partitions whose rows are written here."""
        self._refresh()
        return self._owned

    def held(self) -> frozenset[TP]:
        """Return those and the ones of which this worker keeps a warm copy."""
        self._refresh()
        return self._owned | self._standby

    def _refresh(self) -> None:
        if self._generation != self._app.consumer_generation_id:
            self._generation = self._app.consumer_generation_id
            self._owned = frozenset(self._app.assignor.assigned_actives())
            self._standby = frozenset(self._app.assignor.assigned_standbys())
