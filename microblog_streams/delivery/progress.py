"""How far a worker's partitions are: lag, commits, recovery, rebalances. For the metrics; Kafka is not asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from microblog_streams.delivery.faust_patches.consumer import PatchedConsumerThread

if TYPE_CHECKING:
    from faust import App

#: A topic's name in Kafka, and a partition's number.
Place = tuple[str, str]


class Commits(NamedTuple):
    """The commits of a worker's partitions."""

    #: Records that are not committed yet, as of the last fetch.
    lag: Mapping[Place, int | None]
    #: Seconds for which nothing was committed although something could be.
    age_seconds: Mapping[Place, float]
    standstill_reports: int


class RecoveryState(NamedTuple):
    """The recovery of a worker's table."""

    #: Changelog records that are still to be read.
    remaining: int
    errors: int


@dataclass
class RebalanceClock:
    """Counts rebalances, and the seconds in which this worker had no partition because of them."""

    count: int = 0
    _ended_seconds: float = 0.0
    _began_at: float | None = None

    def begin(self) -> None:
        """Note that partitions are revoked; again before the end, it is one more rebalance in the same pause."""
        self.count += 1
        if self._began_at is None:
            self._began_at = monotonic()

    def end(self) -> None:
        """Note that events flow again."""
        self._ended_seconds, self._began_at = self.seconds, None

    @property
    def seconds(self) -> float:
        """The seconds in rebalances, those of one that is not over included."""
        return self._ended_seconds + (0.0 if self._began_at is None else monotonic() - self._began_at)


def commits(app: "App") -> Commits:
    """Return the commits of the partitions that this worker has now."""
    consumer = cast(Any, app.consumer)
    thread = cast("PatchedConsumerThread | None", consumer._thread)
    if thread is None or thread._consumer is None:
        return Commits({}, {}, 0)
    found = {tp: progress for tp in consumer.assignment() if (progress := thread.progress(tp)) is not None}
    ages = thread.commit_ages(monotonic())
    return Commits(
        lag={(tp.topic, str(tp.partition)): progress.lag for tp, progress in found.items()},
        age_seconds={(tp.topic, str(tp.partition)): ages.get(tp, 0.0) for tp in found},
        standstill_reports=thread.standstill_reports,
    )


def recovery(app: "App") -> RecoveryState:
    """Return the state of the table's recovery."""
    service = cast(Any, app.tables).recovery
    remaining = sum(max(0, count) for count in service.active_remaining().values()) if service.in_recovery else 0
    return RecoveryState(remaining, service.errors)
