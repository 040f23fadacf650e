"""Mends: a recovery takes one record at a time, and a record of nobody's for another table's (faust-streaming 0.15.3).

``Recovery._slurp_changelogs`` makes a task and a time-out for each record, and counts what is missing in all
partitions, twice, behind each. Here what has arrived is taken together, and counted once.
Upstream: not found.

Callbacks for records (``on_changelog_event``) are not called; no table here has one.

A record of a partition that was given back while it waited was applied to the table of the record before it (the code
says so of itself). Here it is left out.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator
from time import monotonic
from typing import Any

from faust.tables.recovery import Recovery
from faust.types import TP, EventT

from microblog_streams.aio.service import Service

logger = logging.getLogger(__name__)

#: Records that are applied before others have a turn: some 2 ms of the event loop.
MOST = 500
#: Seconds without a record after which it is looked whether any is missing.
QUIET = 5.0


class BatchedRecovery(Recovery):
    """Recovery that applies records as they arrive: many at a time."""

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
                logger.exception("recovery_failed")  # what was taken stays in the buffers until it can be applied
            await asyncio.sleep(0)

    async def _arrived(self) -> list[EventT[Any]]:
        """Return records that have arrived, once there are any; none after a while in which none came."""
        queue = self.tables.changelog_queue
        try:
            async with asyncio.timeout(QUIET):
                first = await queue.get()
        except TimeoutError:
            return []
        return [first, *(queue.get_nowait() for _ in range(min(queue.qsize(), MOST - 1)))]

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
        of_nobody: Counter[TP] = Counter()
        for event in events:
            tp, offset = event.message.tp, event.message.offset
            if tp in self.active_tps:
                offsets = self.active_offsets
            elif tp in self.standby_tps:
                offsets = self.standby_offsets
            else:
                of_nobody[tp] += 1
                continue
            if (seen := offsets.get(tp)) is None or offset > seen:
                offsets[tp] = offset
                yield event
        for tp, count in of_nobody.items():  # a line for each record would be thousands after a rebalance
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
