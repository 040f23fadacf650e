"""Mends: events are skipped after a rebalance, and standby tables miss rows (faust-streaming 0.15.3).

Where the tables need no recovery, ``Recovery.on_recovery_completed`` is entered with the flow running: the fetcher
delivers events into the streams' queues, then the partitions are sought back to the committed offsets, and resuming
the flow control clears those queues. The events in them had moved the read position on, so nothing reads them again
until the next rebalance, and a later acknowledgement may commit past them. Upstream: issue 596 (open); the same in an
application without tables was issue 216 and is mended there by pull request 217.

The mend stops the flow before the original method runs, as its other path (recovery was needed) has it stopped by
the pause of the partitions. Where that method returns early, because the group moved on, the flow stays stopped, and
the recovery of the next generation lets it run: no generation begins without one.

The queue of the changelogs is cleared with the others, and the standby tables' records are in it by then: those rows
were missing at the takeover. Here the standby changelogs are read again from the last record that was applied.
Upstream: issue 212 (closed, for global tables) tells of the same rows.

A recovery that is never given its records was seen once; ``consumer`` tells how, and mends it. The watch for it stays,
because a worker that waits for ever costs more than the watch does: where nothing moves for a while, the worker joins
the group again, and the recovery starts anew from what it has.
"""

from time import monotonic
from typing import TYPE_CHECKING, Any, cast

from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery

from microblog_streams.aio.service import Service
from microblog_streams.delivery.faust_patches.batched_recovery import BatchedRecovery
from microblog_streams.delivery.faust_patches.transport import rejoin

if TYPE_CHECKING:
    from faust import App

#: Seconds between looks at a recovery, and after which one that does not move is begun again. A record comes from
#: Kafka in milliseconds; while Kafka is away, joining again is what the worker does anyway.
LOOK, STALL = 1.0, 6.0


class SteadyRecovery(BatchedRecovery):
    """Recovery that lets no event flow before the partitions were sought, and misses none of a standby."""

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
            await self.sleep(LOOK)
            waits = self.in_recovery and self.need_recovery()
            now = dict(self.active_remaining()) if waits else None
            if now is None or now != known:
                known, since = now, monotonic()
            elif monotonic() - since > STALL:
                since = monotonic()
                rejoin(
                    cast("App", self.app),
                    f"the recovery of the tables stands still, {sum(now.values())} records before its end",
                )


class SteadyTableManager(TableManager):
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
            self._recovery = SteadyRecovery(self.app, self, **options)
        return self._recovery
