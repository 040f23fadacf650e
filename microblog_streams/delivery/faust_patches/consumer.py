"""Fixes of the consumer and its thread (faust-streaming 0.15.3, aiokafka 0.14).

**Records are dropped after they were read, and the position moves past them.** Faust tells aiokafka which partitions
it wants records of by a set that it goes on changing, and a set that is empty means all of them to aiokafka. The set is
empty exactly in a rebalance, when all partitions are paused; and a read is nearly always in flight then, which outlasts
the rebalance by up to a second. So that read takes whatever arrives first of the new assignment, streams and
changelogs alike. Faust throws it away, because the flow is stopped, and seeks back to the committed offsets: but a
changelog has none. Where the read came after recovery had sought the changelog and before it let the flow run, recovery
waited for ever for records that it had thrown away ("No event received for active tp"). A stream's partition in which
nothing is committed yet has no committed offset to seek to either: its first events were skipped. Here a read gives out
nothing of a partition that is not wanted at that moment, and nothing at all while the flow is stopped; it is told when
the flow runs again, as it does not look otherwise. And a partition in which nothing is committed is read from its
beginning. Upstream: robinhood/faust pull request 69 fixed the empty set by a lock, which is gone since; of the same
kind is 542.

**Partitions are read before their tables are there.** Faust wants what it is assigned at once, and pauses it a moment
later. In between the flow runs in a worker that had no partition before, or in which the end of the last recovery let
it run after the next rebalance had begun. Here partitions are paused before they are wanted. Upstream: not found.

**A worker subscribes again, 45 s after a rebalance, to the same topics.** An agent that ends takes its topic
out of the conductor (faust-streaming pull request 531), and the conductor takes that for a change of topics. To
subscribe is to drop the assignment and to join again: a rebalance for nothing, and where another had just begun,
recovery sought a partition in an assignment that was None, which ended the worker. Here a worker subscribes to other
topics only.

**A worker that stops as a rebalance begins may end by a segmentation fault.** ``close`` has the consumer's
connections closed by the loop of the app, and they are of the loop of the consumer's thread; neither is safe with
another's. Here the thread's loop does it; and it leaves the group only. The connections are closed at the worker's
end, because a commit without connection is tried again for ever.

**A healthy worker reports a bug.** Faust logs "Has not committed … (report as bug)", or that the stream stopped,
wherever there is an event and the last commit or event was five minutes ago: the first post after a quiet hour looks
so. Here a partition stands still when its committed offset has not moved for as long, and there was something to commit
at each check since. Upstream: not found.

**Every record costs four tasks and three turns of the event loop.** Faust hands each record to its stream, or to the
recovery, and waits for the end of the flow at the same time, because a full stream may block. So for every record it
waits for four things and cancels three of them. Here the handing over is started at once, and nearly every record is
delivered by then; only one that blocks continues in a task, and is awaited as in Faust. After 100 records Faust's own
loop yields to other tasks. From Python 3.12 on asyncio has the same, eager tasks. Upstream: not found.
"""

import asyncio
import logging
from collections.abc import Coroutine, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import coroutine
from typing import Any, Final, cast

from aiokafka import AIOKafkaConsumer
from faust.transport.consumer import RecordMap
from faust.transport.drivers import aiokafka as driver
from faust.types.tuples import TP
from mode.services import WaitArgT, WaitResults

logger = logging.getLogger(__name__)

#: Seconds between two lines about the same partition.
REPEAT_SECONDS: Final = 60.0


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
    standstill_seconds: float
    _looks: dict[TP, _Look] = field(default_factory=dict)

    def seen(self, partition: TP, committed: int | None, left: bool, now: float) -> float | None:
        """Note a look; ``left``: something is left to commit. Return the seconds of a standstill that is to be told."""
        look = self._looks.get(partition)
        if not left:
            self._looks.pop(partition, None)
            return None
        if (
            look is None or look.committed != committed or now - look.last > REPEAT_SECONDS
        ):  # another worker had it in between
            self._looks[partition] = _Look(committed, now, now - REPEAT_SECONDS, now)
            return None
        look.last = now
        if now - look.since < self.standstill_seconds or now - look.told < REPEAT_SECONDS:
            return None
        look.told = now
        return now - look.since


class FlowingPartitions:
    """The partitions of which records may be given out now. Never false, as an empty set is."""

    def __init__(self, consumer: driver.Consumer, partitions: set[TP]) -> None:
        """``partitions`` is Faust's own set, which Faust keeps changing."""
        self._consumer = consumer
        self._partitions = partitions

    def __contains__(self, partition: object) -> bool:
        """Return whether records of a partition may be given out."""
        return self._consumer.flow_active and partition in self._partitions


class PatchedConsumerThread(driver.AIOKafkaConsumerThread):
    """The consumer's thread, which throws no record away, and joins and leaves the group once."""

    async def subscribe(self, topics: Iterable[str]) -> None:
        """Subscribe to topics, unless that is what the consumer is subscribed to."""
        wanted = set(topics)
        if wanted != self._ensure_consumer().subscription():
            await super().subscribe(wanted)

    def close(self) -> None:
        """Leave the group, in place of joining its next generation, because the worker ends."""
        if self._consumer is not None:
            coordinator = self._consumer._coordinator
            # Looked at last before it joins: a consumer that was idle for so long does not.
            coordinator._max_poll_interval = 0.0
            asyncio.run_coroutine_threadsafe(coordinator.close(), self.thread_loop)

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Say of a partition that nothing is committed of it any more; Faust says so of healthy ones (standstill)."""
        if not self.app.topics.acks_enabled_for(tp.topic):
            return
        consumer, committed = self._ensure_consumer(), cast(driver.Consumer, self.consumer)._committed_offset.get(tp)
        if tp not in consumer.assignment():
            return
        state = consumer._subscription.subscription.assignment.state_value(tp)
        # Just assigned, or given up by now: aiokafka has no place to read on, and asserts when it is asked for it.
        if state is None or not state.has_valid_position:
            return
        end, reached = consumer.highwater(tp), state.position if committed is None else committed
        left = end is not None and reached is not None and end > reached
        if (seconds := self._standstills.seen(tp, committed, left, now)) is not None:
            line = "commits_stand_still partition=%s-%d committed=%s end=%d seconds=%d"
            logger.error(line, tp.topic, tp.partition, committed, end, seconds)

    @cached_property
    def _standstills(self) -> CommitStandstill:
        return CommitStandstill(self.app.conf.broker_commit_livelock_soft_timeout)

    async def _fetch_records(
        self, consumer: AIOKafkaConsumer, active_partitions: set[TP], *args: Any, **kwargs: Any
    ) -> RecordMap:
        wanted = FlowingPartitions(cast(driver.Consumer, self.consumer), active_partitions)
        return await super()._fetch_records(consumer, cast(set[TP], wanted), *args, **kwargs)

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Seek to the committed offsets, and to the beginning where there is none; return the committed ones."""
        return cast(Mapping[TP, int], await self.call_thread(self._seek_to_committed, self._ensure_consumer()))

    async def _seek_to_committed(self, consumer: AIOKafkaConsumer) -> Mapping[TP, int]:
        committed: Mapping[TP, int] = await consumer.seek_to_committed()
        changelogs = self.app.tables.changelog_topics
        uncommitted = {tp for tp, offset in committed.items() if not offset and tp.topic not in changelogs}
        for partition in uncommitted & consumer.assignment():
            # Where it begins later than at 0, aiokafka goes on from there.
            consumer.seek(partition, 0)
        return committed

    async def committed(self, tp: TP) -> int | None:
        """Ask Kafka for a partition's committed offset, None where nothing is committed. Raises KafkaError."""
        return cast("int | None", await self.call_thread(self._ensure_consumer().committed, tp))

    def wake_fetches(self) -> None:
        """Make a read in flight check again for records."""
        self.thread_loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        fetcher = self._consumer._fetcher if self._consumer is not None else None
        if fetcher is not None:
            for waiter in list(fetcher._fetch_waiters):
                fetcher._notify(waiter)


class EagerConsumer(driver.Consumer):
    """A consumer that makes a task only for a record whose stream is full."""

    async def wait_first(self, *coros: WaitArgT, **kwargs: Any) -> WaitResults:
        """Return when the first of these is done. Of two, Faust passes a record's handling and the flow's end."""
        if len(coros) != 2:
            return await super().wait_first(*coros, **kwargs)
        handling, flow_ends = cast(tuple[Coroutine[Any, Any, Any], Coroutine[Any, Any, Any]], coros)
        try:
            held_up_by = handling.send(None)
        except StopIteration as handled:
            flow_ends.close()
            return WaitResults([handling], [handled.value], False)
        except BaseException:
            flow_ends.close()
            raise
        return await super().wait_first(_go_on(handling, held_up_by), flow_ends, **kwargs)


async def _go_on(handling: Coroutine[Any, Any, Any], held_up_by: object) -> object:
    """Go on with a coroutine that has come as far as its first wait."""
    return await _rest(handling, held_up_by)


@coroutine
def _rest(handling: Coroutine[Any, Any, Any], held_up_by: object) -> Generator[Any, None, object]:
    while True:
        try:
            yield held_up_by
        except BaseException as error:
            try:
                held_up_by = handling.throw(error)
            except StopIteration as handled:
                return handled.value
        else:
            return (yield from handling)


class PatchedConsumer(EagerConsumer):
    """A consumer with that thread. It tells it when the flow runs again, and wants nothing before recovery does."""

    _thread: PatchedConsumerThread

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Take partitions over, paused: recovery resumes them, once it has sought them."""
        self.pause_partitions(assigned)
        await super().on_partitions_assigned(assigned, generation_id)

    def resume_flow(self) -> None:
        """Allow events to flow."""
        super().resume_flow()
        self._thread.wake_fetches()
