"""Mend: events are skipped after a rebalance (faust-streaming 0.15.3).

Where the tables need no recovery, ``Recovery.on_recovery_completed`` is entered with the flow running: the fetcher
delivers events into the streams' queues, then the partitions are sought back to the committed offsets, and resuming
the flow control clears those queues. The events in them had moved the read position on, so nothing reads them again
until the next rebalance, and a later acknowledgement may commit past them.

The mend stops the flow before the original method runs, as its other path (recovery was needed) has it stopped by
the pause of the partitions. Everything after that is Faust's own.
"""

from typing import Any

from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery


class SteadyRecovery(Recovery):
    """Recovery that lets no event flow before the partitions were sought."""

    async def on_recovery_completed(self, generation_id: int = 0) -> None:
        """Stop the flow, then do what Faust does."""
        self.app.consumer.stop_flow()
        self.app.flow_control.suspend()
        await super().on_recovery_completed(generation_id)


class SteadyTableManager(TableManager):
    """The table manager with that recovery (setting ``TableManager``)."""

    @property
    def recovery(self) -> Recovery:
        """The recovery service, made on first use."""
        if self._recovery is None:
            options: dict[str, Any] = {"beacon": self.beacon, "loop": self.loop}
            self._recovery = SteadyRecovery(self.app, self, **options)
        return self._recovery
