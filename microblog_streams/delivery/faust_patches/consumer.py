"""Fixes of the consumer and its thread (faust-streaming 0.15.3, aiokafka 0.14).

**Records are dropped after they were read, and the position moves past them.** Faust passes aiokafka the set of
partitions to read, and keeps changing it; aiokafka takes an empty set for all partitions. The set is empty exactly in a
rebalance, when all partitions are paused. A read is nearly always in flight then, and outlasts the rebalance by up to a
second, so it returns what arrives first of the new assignment, streams and changelogs alike. Faust drops these records,
because the flow is stopped, and seeks back to the committed offsets: but a changelog has none. Where the read ended
after recovery had sought the changelog and before the flow was resumed, recovery waited for the dropped records for
ever ("No event received for active tp"). A stream's partition without a committed offset lost its first events. Here a
read returns nothing of a partition that is not in the set, and nothing at all while the flow is stopped; it is woken
when the flow resumes, because aiokafka does not look again by itself. A partition without a committed offset is read
from its beginning. Upstream: robinhood/faust pull request 69 fixed the empty set by a lock, which is gone since; 542 is
of the same kind.

**Partitions are read before their tables are recovered.** Faust reads what it is assigned at once, and pauses it a
moment later. In between the flow runs in a worker that had no partition before, and in one where the end of the last
recovery resumed it after the next rebalance had begun. Here partitions are paused before they are added. Upstream: not
found.

**A worker subscribes to the same topics again, 45 s after a rebalance.** An agent that ends removes its topic from the
conductor (faust-streaming pull request 531), and the conductor takes that for a change of topics. Subscribing drops the
assignment and rejoins: a needless rebalance. Where another had just begun, recovery sought a partition in an assignment
that was None, which ended the worker. Here a worker subscribes only to topics that differ.

**A worker that stops as a rebalance begins may end by a segmentation fault.** ``close`` closes the consumer's
connections in the app's event loop, but they belong to the loop of the consumer's thread, and neither is thread-safe.
Here the thread's loop does it, and it only leaves the group. The connections are closed when the process ends, because
aiokafka repeats a commit without a connection for ever.

**A healthy worker reports a bug.** Faust logs "Has not committed … (report as bug)", or that the stream stopped,
wherever there is an event and the last commit or event was five minutes ago: the first post after a quiet hour
qualifies. Here a partition is reported when its committed offset has not moved for as long, and each check since found
something to commit. Upstream: not found.

**A commit that Kafka refused counts as done.** Where a rebalance came first, aiokafka's error becomes a False, which
Faust ignores: it notes the offsets as committed. If the note comes after recovery has sought the partition again, its
records are read a second time and dropped as committed ones. Kafka's offset then stays behind, and the lag with it,
until the partition's next event. Here nothing is noted of a commit that was refused. One of a partition that was
revoked meanwhile is refused, too: Faust leaves it out, and where none is left aiokafka raises a ValueError, for which
Faust ends the worker. Upstream: not found.

**A worker whose heartbeats have ended goes on reading.** An error that ends aiokafka's task of the heartbeats, or that
of the group, is handed to the read that waits at that moment, and else kept for the next one to ask for; until then the
group's client stands still. Faust's reads do not ask. Where records were there to be read, as under load, or the stream
was full, the worker had no heartbeat from then on, and joined no generation. Here each read asks first, as aiokafka's
own do: the error ends the worker, and it is started again. Upstream: not found.

**New events are dropped where Kafka has lost the last ones.** A broker whose machine went down may come back with a
shorter log, while the group's committed offset is what it was. aiokafka then goes on at the log's beginning, and Faust
drops each record below the offset that it has read before: also the new ones, which get the offsets of the lost ones.
They were answered, the lag was 0, and no timeline ever had them. Here a partition whose records begin below its
committed offset is read again from there: that offset is committed, and the group joined again. Which of the records
are new is not known, and effects are idempotent. It is not noticed where the log has outgrown the committed offset
before it is read: a broker tells by the leader's epoch, for which aiokafka does not ask. The changelog of a standby
loses rows in the same way: here the group is joined again, and ``recovery`` reads it from its beginning. Upstream: not
found.

**Commits stand still after an assignment with the number of the last one.** Kafka gives a generation's number a
second time: to a static member that joins again unchanged, and where it has lost the group's last records. Faust
takes an event for one of the present assignment by this number alone. With the revoked partition it drops what was
acknowledged and not committed yet; those events come again, are known by their offsets, and are not acknowledged a
second time: so nothing past them is committed until the next rebalance. Here each assignment has a number of its own,
Kafka's unless that is not higher than the last. Upstream: not found.

**A worker without partitions counts as one that hangs.** Faust asks for no records where it has no partition to read,
and to aiokafka that is the sign of an application that hangs: it leaves the group (``kafka_client`` has what came of
it). Here each turn of the reading counts as a read. Upstream: not found.

**Every record costs four tasks and three turns of the event loop.** Faust delivers each record to its stream, or to the
recovery, and waits for the end of the flow at the same time, because a full stream may block. So for every record it
waits for four things and cancels three of them. Here the delivery is started at once, and nearly always ends at once;
only one that blocks continues in a task, and is awaited as in Faust. After 100 records Faust's own loop yields to other
tasks. From Python 3.12 on asyncio has the same, eager tasks. Upstream: not found.
"""

import asyncio
import logging
from collections.abc import Coroutine, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from time import monotonic
from types import coroutine
from typing import Any, Final, NamedTuple, cast

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata
from faust.transport.consumer import RecordMap, ensure_TPset
from faust.transport.drivers import aiokafka as driver
from faust.types.tuples import TP
from mode.services import WaitArgT, WaitResults

logger = logging.getLogger(__name__)

#: Seconds between two log lines about the same partition.
REPEAT_SECONDS: Final = 60.0
#: Seconds for which the commit of an earlier offset is waited for.
SET_BACK_SECONDS: Final = 5.0


class PartitionProgress(NamedTuple):
    """How far a partition is: the committed offset if there is one, the first that is not committed, and the end."""

    committed: int | None
    reached: int
    #: None until a fetch was answered.
    end: int | None

    @property
    def lag(self) -> int | None:
        """The number of records that are not committed, None where the end is not known."""
        return None if self.end is None else max(0, self.end - self.reached)


@dataclass(slots=True)
class _CommitCheck:
    """What the checks of one partition found; times are ``monotonic``."""

    committed: int | None
    unchanged_since: float
    logged_at: float
    checked_at: float


@dataclass(frozen=True)
class CommitStandstill:
    """Tracks partitions whose committed offset does not move although there is something to commit."""

    #: Seconds without a commit after which a partition is reported.
    standstill_seconds: float
    _checks: dict[TP, _CommitCheck] = field(default_factory=dict)

    def check(self, partition: TP, committed: int | None, uncommitted: bool, now: float) -> float | None:
        """Note a check of a partition. Return how many seconds it has stood still if that must be logged, else None.

        ``uncommitted``: whether there is something to commit.
        """
        if not uncommitted:
            self._checks.pop(partition, None)
            return None
        last = self._checks.get(partition)
        # After a long gap another worker may have owned the partition.
        if last is None or last.committed != committed or now - last.checked_at > REPEAT_SECONDS:
            self._checks[partition] = _CommitCheck(committed, now, now - REPEAT_SECONDS, now)
            return None
        last.checked_at = now
        if now - last.unchanged_since < self.standstill_seconds or now - last.logged_at < REPEAT_SECONDS:
            return None
        last.logged_at = now
        return now - last.unchanged_since

    def ages(self, now: float) -> Mapping[TP, float]:
        """Return for how many seconds each partition's offset has not moved; those without anything to commit lack."""
        return {partition: now - check.unchanged_since for partition, check in self._checks.items()}


class FlowingPartitions:
    """The partitions whose records a read may return now. It is always true, unlike an empty set."""

    def __init__(self, consumer: driver.Consumer, partitions: set[TP]) -> None:
        """``partitions`` is Faust's own set, which Faust keeps changing."""
        self._consumer = consumer
        self._partitions = partitions

    def __contains__(self, partition: object) -> bool:
        """Return whether a read may return records of a partition."""
        return self._consumer.flow_active and partition in self._partitions


class PatchedConsumerThread(driver.AIOKafkaConsumerThread):
    """The consumer's thread. It drops no record, and joins and leaves the group once."""

    #: Reports of partitions whose commits stand still.
    standstill_reports = 0
    #: Requests to join the group again.
    rejoins = 0
    #: Partitions of which Kafka has lost the last records, until they are read from their beginning.
    _shortened: frozenset[TP] = frozenset()

    async def subscribe(self, topics: Iterable[str]) -> None:
        """Subscribe to topics that differ from the current ones."""
        names = set(topics)
        if names != self._ensure_consumer().subscription():
            await super().subscribe(names)

    def close(self) -> None:
        """Leave the group instead of joining its next generation, because the worker ends."""
        if self._consumer is not None:
            coordinator = self._consumer._coordinator
            # aiokafka checks it before it joins: a consumer that was idle for longer does not.
            coordinator._max_poll_interval = 0.0
            asyncio.run_coroutine_threadsafe(coordinator.close(), self.thread_loop)

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Log a partition whose committed offset stands still; Faust logs healthy partitions, too."""
        if (progress := self.progress(tp)) is None:
            return
        if (seconds := self._standstills.check(tp, progress.committed, bool(progress.lag), now)) is not None:
            self.standstill_reports += 1
            line = "commits_stand_still partition=%s-%d committed=%s end=%d seconds=%d"
            logger.error(line, tp.topic, tp.partition, progress.committed, progress.end, seconds)

    def progress(self, tp: TP) -> PartitionProgress | None:
        """Return how far a stream's partition is; None where that is not known, or it is not this worker's."""
        consumer = self._ensure_consumer()
        if not self.app.topics.acks_enabled_for(tp.topic) or tp not in consumer.assignment():
            return None
        state = consumer._subscription.subscription.assignment.state_value(tp)
        # Just assigned, or revoked by now: without a valid position aiokafka fails an assertion.
        if state is None or not state.has_valid_position:
            return None
        committed = cast(driver.Consumer, self.consumer)._committed_offset.get(tp)
        return PartitionProgress(committed, state.position if committed is None else committed, consumer.highwater(tp))

    def commit_ages(self, now: float) -> Mapping[TP, float]:
        """Return for how many seconds nothing was committed of each partition that has something to commit."""
        return self._standstills.ages(now)

    @cached_property
    def _standstills(self) -> CommitStandstill:
        return CommitStandstill(self.app.conf.broker_commit_livelock_soft_timeout)

    async def _fetch_records(
        self, consumer: AIOKafkaConsumer, active_partitions: set[TP], *args: Any, **kwargs: Any
    ) -> RecordMap:
        consumer._coordinator.check_errors()
        flowing = FlowingPartitions(cast(driver.Consumer, self.consumer), active_partitions)
        fetched = await super()._fetch_records(consumer, cast(set[TP], flowing), *args, **kwargs)
        shortened = {
            tp: records[0].offset for tp, records in fetched.items() if self._lies_before(tp, records[0].offset)
        }
        if shortened:
            await self._begin_anew(consumer, shortened)
            return {tp: records for tp, records in fetched.items() if tp not in shortened}
        return fetched

    def _lies_before(self, tp: TP, offset: int) -> bool:
        """Return whether an offset lies before what was committed of a partition, or else read."""
        consumer = cast(driver.Consumer, self.consumer)
        known = consumer._committed_offset.get(tp)
        if known is None:
            known = consumer._read_offset.get(tp)
        return known is not None and offset < known

    async def _begin_anew(self, consumer: AIOKafkaConsumer, firsts: Mapping[TP, int]) -> None:
        """Commit the first offsets of partitions, and join the next generation, which reads from there.

        Where the commit fails, the next generation finds the same. A changelog has no committed offsets: recovery finds
        that it is shorter than the table.
        """
        for tp, first in firsts.items():
            logger.critical("log_shortened topic=%s partition=%d read_again_from=%d", *tp, first)
        self._shortened = frozenset(firsts)
        streams = {tp: OffsetAndMetadata(first, "") for tp, first in firsts.items() if not self._is_changelog(tp)}
        try:
            if streams:
                async with asyncio.timeout(SET_BACK_SECONDS):
                    await consumer.commit(streams)
        except (KafkaError, TimeoutError) as exc:
            logger.warning("log_shortened_again_later reason=%r", exc)
        self.rejoin()

    def _is_changelog(self, tp: TP) -> bool:
        return tp.topic in self.app.tables.changelog_topics

    def rejoin(self) -> None:
        """Leave the current generation of the group and join the next."""
        self.rejoins += 1
        self.thread_loop.call_soon_threadsafe(self._ensure_consumer()._coordinator.request_rejoin)

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Seek to the committed offsets, and to the beginning where there is none; return the committed ones."""
        return cast(Mapping[TP, int], await self.call_thread(self._seek_to_committed, self._ensure_consumer()))

    async def _seek_to_committed(self, consumer: AIOKafkaConsumer) -> Mapping[TP, int]:
        self._shortened = frozenset()
        committed: Mapping[TP, int] = await consumer.seek_to_committed()
        changelogs = self.app.tables.changelog_topics
        uncommitted = {tp for tp, offset in committed.items() if not offset and tp.topic not in changelogs}
        for partition in uncommitted & consumer.assignment():
            # If the partition begins later than at 0, aiokafka continues from there.
            consumer.seek(partition, 0)
        return committed

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        if not offsets.keys() <= self.assignment() - self._shortened:
            return False
        return await super()._commit(offsets)

    async def committed(self, tp: TP) -> int | None:
        """Return a partition's committed offset in Kafka, None without one. Raises KafkaError."""
        return cast("int | None", await self.call_thread(self._ensure_consumer().committed, tp))

    def note_read(self) -> None:
        """Note that the application reads, whether or not there is a partition to read."""
        self._ensure_consumer()._subscription._last_fetch_ended = monotonic()

    def wake_fetches(self) -> None:
        """Make reads in flight check for records again."""
        self.thread_loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        fetcher = self._consumer._fetcher if self._consumer is not None else None
        if fetcher is not None:
            for waiter in list(fetcher._fetch_waiters):
                fetcher._notify(waiter)


class NumberedAssignments(driver.ConsumerRebalanceListener):
    """Tells the application of assignments, each of which has a higher number than the one before."""

    async def on_partitions_assigned(self, assigned: Iterable[TP]) -> None:
        """Number the assignment, and do what Faust does."""
        app = self._thread.app
        generation = self._thread._ensure_consumer()._coordinator.generation
        app.consumer_generation_id = number = max(generation, app.consumer_generation_id + 1)
        await self._thread.on_partitions_assigned(ensure_TPset(assigned), number)


class EagerConsumer(driver.Consumer):
    """A consumer that makes a task only for a record whose stream is full."""

    async def wait_first(self, *coros: WaitArgT, **kwargs: Any) -> WaitResults:
        """Return when the first of these is done. Two are always a record's delivery and the end of the flow."""
        if len(coros) != 2:
            return await super().wait_first(*coros, **kwargs)
        delivery, flow_end = cast(tuple[Coroutine[Any, Any, Any], Coroutine[Any, Any, Any]], coros)
        try:
            blocker = delivery.send(None)
        except StopIteration as ended:
            flow_end.close()
            return WaitResults([delivery], [ended.value], False)
        except BaseException:
            flow_end.close()
            raise
        return await super().wait_first(_continued(delivery, blocker), flow_end, **kwargs)


async def _continued(delivery: Coroutine[Any, Any, Any], blocker: object) -> object:
    """Continue a coroutine that has run up to its first wait, for ``blocker``."""
    return await _remaining_steps(delivery, blocker)


@coroutine
def _remaining_steps(delivery: Coroutine[Any, Any, Any], blocker: object) -> Generator[Any, None, object]:
    while True:
        try:
            yield blocker
        except BaseException as error:
            try:
                blocker = delivery.throw(error)
            except StopIteration as ended:
                return ended.value
        else:
            return (yield from delivery)


class _CommitRefusedError(Exception):
    """Kafka refused a commit, because the group has rebalanced."""


class PatchedConsumer(EagerConsumer):
    """A consumer with that thread. It wakes reads when the flow resumes, and reads nothing before recovery does."""

    RebalanceListener = NumberedAssignments
    _thread: PatchedConsumerThread

    async def _commit_offsets(self, offsets: Mapping[TP, int], start_new_transaction: bool = True) -> bool:
        try:
            return await super()._commit_offsets(offsets, start_new_transaction)
        except _CommitRefusedError:
            return False

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        # Faust's next step notes the offsets, whatever is returned here.
        if not await super()._commit(offsets):
            raise _CommitRefusedError
        return True

    async def _wait_next_records(self, timeout: float) -> tuple[RecordMap | None, set[TP] | None]:
        self._thread.note_read()
        return await super()._wait_next_records(timeout)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Add partitions, paused: recovery resumes them after it has sought them."""
        self.pause_partitions(assigned)
        await super().on_partitions_assigned(assigned, generation_id)

    def resume_flow(self) -> None:
        """Resume the flow, and wake reads in flight."""
        super().resume_flow()
        self._thread.wake_fetches()
