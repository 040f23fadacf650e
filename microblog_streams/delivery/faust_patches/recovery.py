"""Fixes of table recovery (faust-streaming 0.15.3).

**Events are skipped after a rebalance.** Where the tables need no recovery, ``Recovery.on_recovery_completed`` is
entered with the flow running: the fetcher delivers events into the streams' queues, then the partitions are sought back
to the committed offsets, and resuming the flow control clears those queues. The events in them had moved the read
position, so they are not read again until the next rebalance, and a later acknowledgement may commit past them. Here
the flow is stopped before the original method runs, as the pause of the partitions does on its other path (recovery was
needed). Where that method returns early because of a new generation, the flow stays stopped until that generation's
recovery. Upstream: issue 596 (open); the same in an application without tables was issue 216, fixed by pull request
217.

**Standby tables miss rows.** The queue of the changelogs is cleared with the others, and the standby tables' records
are in it by then: those rows were missing at the takeover. Here the standby changelogs are read again from the last
record that was applied. Upstream: issue 212 (closed, for global tables) reports the same rows.

**Recovery takes one record at a time.** ``Recovery._slurp_changelogs`` makes a task and a time-out for each record, and
counts what is missing in all partitions, twice, after each. Here records that have arrived are applied together, and
counted once. Callbacks for records (``on_changelog_event``) are not called; no table here has one. Upstream: not found.

**A record of a revoked partition is applied to the wrong table.** One that was revoked while it waited went to the
table of the record before it (a comment in Faust says so). Here it is left out.

**A recovery that never gets its records** was seen once; ``consumer`` has its cause and the fix. The check stays,
because a worker that waits for ever costs more: where nothing moves for a while, the worker joins the group again, and
the recovery starts again from what it has.

**A step that gets no answer in time ends all recoveries.** Faust waits for ``broker_request_timeout`` for the answer to
each step: the ends of the changelogs, their beginnings, the seeks, the producer's flush. mode reports a time-out of
``wait_first`` as a stop, so the task of the recoveries ended as if the service had stopped, without a word in the log:
the worker kept its heartbeats and its partitions, delivered nothing, and no later rebalance began a recovery. Where
aiokafka's own time-out, which is as long, came first, the worker ended. Here the recovery begins again. A call that is
late all the same does no harm: a changelog's seek takes effect when it begins, and a stream that is sought back is read
again from there. Upstream: not found.

**A worker whose changelog has lost its last records ends, at each start.** A broker whose machine went down may come
back with a shorter log than the table on the worker's disk was made from. Faust takes that for an error of the operator
(``ConsistencyError``), and only the removal of the folder, with the only copies of the lost rows, let the worker start.
Here the changelog is read again from its beginning, because records of another worker may have taken the place of the
lost ones, and a row that is newer on the disk stays (``changelog``). Upstream: not found.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator
from time import monotonic
from typing import TYPE_CHECKING, Any, cast

from aiokafka.errors import KafkaTimeoutError
from faust.tables.manager import TableManager
from faust.tables.recovery import RebalanceAgain, Recovery, ServiceStopped
from faust.types import TP, EventT
from faust.types.transports import ConsumerT
from mode.services import WaitArgT
from mode.utils.times import Seconds

from microblog_streams.aio.tasks import Service
from microblog_streams.delivery.faust_patches.changelog import ConfirmedTable
from microblog_streams.delivery.faust_patches.transport import rejoin

if TYPE_CHECKING:
    from faust import App

logger = logging.getLogger(__name__)

#: Records that are applied before others have a turn: some 2 ms of the event loop.
MAX_BATCH = 500
#: Seconds without a record after which it is looked whether any is missing.
QUIET_SECONDS = 5.0


class BatchedRecovery(Recovery):
    """Recovery that applies records as they arrive: many at a time."""

    #: Errors while records were applied.
    errors = 0
    _last_active_event_processed_at: float | None = None

    @Service.task
    async def _slurp_changelogs(self) -> None:
        while not self.should_stop:
            self.signal_recovery_end.clear()
            events = await self._arrived()
            try:
                self._take(events)
                self._end_where_complete()
                if events and not self.tables.standbys_ready and not self.standby_remaining_total():
                    self.tables.on_standbys_ready()
            except Exception:
                self.errors += 1
                logger.exception("recovery_failed")  # what was taken stays in the buffers until it can be applied
            await asyncio.sleep(0)

    async def _arrived(self) -> list[EventT[Any]]:
        """Return records that have arrived, once there are any; none after a while in which none came."""
        queue = self.tables.changelog_queue
        try:
            async with asyncio.timeout(QUIET_SECONDS):
                first = await queue.get()
        except TimeoutError:
            return []
        return [first, *(queue.get_nowait() for _ in range(min(queue.qsize(), MAX_BATCH - 1)))]

    def _take(self, events: list[EventT[Any]]) -> None:
        for event in self._new(events):
            self.buffers[self.tp_to_table[event.message.tp]].append(event)
        self._note(events)
        for table, buffer in self.buffers.items():
            if len(buffer) >= table.recovery_buffer_size:
                table.apply_changelog_batch(buffer)
                buffer.clear()
                self._last_flush_at = monotonic()

    def _new(self, events: list[EventT[Any]]) -> Iterator[EventT[Any]]:
        """Yield the records that were not seen before, of partitions that are read."""
        unassigned: Counter[TP] = Counter()
        for event in events:
            tp, offset = event.message.tp, event.message.offset
            if tp in self.active_tps:
                offsets = self.active_offsets
            elif tp in self.standby_tps:
                offsets = self.standby_offsets
            else:
                unassigned[tp] += 1
                continue
            if (seen := offsets.get(tp)) is None or offset > seen:
                offsets[tp] = offset
                yield event
        for tp, count in unassigned.items():  # a line for each record would be thousands after a rebalance
            logger.info("changelog_records_of_nobody partition=%s records=%d", tp, count)

    def _note(self, events: list[EventT[Any]]) -> None:
        """Keep what Faust's reports of a recovery are made of: when records came, and how long one takes."""
        active = {event.message.tp for event in events} & self.active_tps
        if not active:
            return
        now, before = monotonic(), self._last_active_event_processed_at
        self._active_events_received_at.update(dict.fromkeys(active, now))
        self._last_active_event_processed_at = now
        if before is not None:
            self._processing_times.extend([(now - before) / len(events)] * len(events))
        while len(self._processing_times) > self.num_samples_required_for_estimate:
            self._processing_times.popleft()

    def _end_where_complete(self) -> None:
        if self.in_recovery and not self.need_recovery():
            self.flush_buffers()
            self._set_recovery_ended()
            self.signal_recovery_end.set()


#: Seconds between two checks of a recovery, and after which one without progress starts again. A record comes from
#: Kafka in milliseconds; while Kafka is away, joining again is what the worker does anyway.
CHECK_SECONDS, STALL_SECONDS = 1.0, 6.0


class PatchedRecovery(BatchedRecovery):
    """Recovery that lets no event flow before the partitions were sought, misses none of a standby, and never ends."""

    async def _wait(self, coro: WaitArgT, timeout: Seconds | None = None) -> None:
        """Wait for a step of the recovery as Faust does; where its answer is late, begin again."""
        try:
            await super()._wait(coro, timeout)
        except (ServiceStopped, KafkaTimeoutError, TimeoutError) as exc:
            if timeout is None or self.should_stop:
                raise
            logger.warning("recovery_begins_again timeout=%s", timeout)
            self._begin_again()
            raise RebalanceAgain from exc

    def _begin_again(self) -> None:
        """Begin as after a rebalance: no partition is read before its step."""
        consumer = self.app.consumer
        consumer.stop_flow()
        self.app.flow_control.suspend()
        consumer.pause_partitions(consumer.assignment())
        self.signal_recovery_start.set()

    async def _build_offsets(self, consumer: ConsumerT, tps: set[TP], destination: Counter[TP], title: str) -> None:
        """Find where to begin as Faust does; where a changelog has lost its last records, at its beginning."""
        if title == "active":
            last = dict(self.active_highwaters)
        else:
            last = {tp: end - 1 for tp, end in (await consumer.highwaters(*tps)).items()} if tps else {}
        for tp in tps:
            applied = destination.get(tp)
            if applied is not None and tp in last and applied > last[tp]:
                logger.critical("changelog_shortened topic=%s partition=%d applied=%d last=%d", *tp, applied, last[tp])
                cast(ConfirmedTable, self.tp_to_table[tp]).shortened.add(tp)
                destination[tp] = cast(Any, None)
        await super()._build_offsets(consumer, tps, destination, title)

    async def on_recovery_completed(self, generation_id: int = 0) -> None:
        """Stop the flow, then do what Faust does."""
        self.app.consumer.stop_flow()
        self.app.flow_control.suspend()
        await self._read_standbys_again()
        await super().on_recovery_completed(generation_id)

    async def _read_standbys_again(self) -> None:
        """Go back to the last record that was applied: those after it are about to be cleared from the queue."""
        self.tables.changelog_queue.clear()
        if self.standby_tps:
            seek = self._seek_offsets(self.app.consumer, self.standby_tps, self.standby_offsets, "standby")
            await self._wait(seek, timeout=self.app.conf.broker_request_timeout)

    @Service.task
    async def _begin_again_where_stalled(self) -> None:
        known, since = None, monotonic()
        while not self.should_stop:
            await self.sleep(CHECK_SECONDS)
            waits = self.in_recovery and self.need_recovery()
            now = dict(self.active_remaining()) if waits else None
            if now is None or now != known:
                known, since = now, monotonic()
            elif monotonic() - since > STALL_SECONDS:
                since = monotonic()
                rejoin(
                    cast("App", self.app),
                    f"the recovery of the tables stands still, {sum(now.values())} records before its end",
                )


class PatchedTableManager(TableManager):
    """The table manager with that recovery (setting ``TableManager``), which starts without a pause of a second.

    As released it sleeps first, "to give agents a chance to start"; agents start before it, and the group is joined
    only once it says that the tables are there.
    """

    async def on_start(self) -> None:
        """Register the tables' changelogs, then start the recovery."""
        await self._update_channels()
        await self.recovery.start()

    @property
    def recovery(self) -> Recovery:
        """The recovery service, made on first use."""
        if self._recovery is None:
            options: dict[str, Any] = {"beacon": self.beacon, "loop": self.loop}
            self._recovery = PatchedRecovery(self.app, self, **options)
        return self._recovery
