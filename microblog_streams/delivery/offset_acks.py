"""Acknowledging in order, and late enough: Faust may commit past an event that was overtaken, and Redis may lose what
it was told a moment before a crash.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from faust.types import StreamT

from microblog_streams.delivery.in_flight_event import InFlightEvent
from microblog_streams.delivery.redis_restart_monitor import RedisRestartMonitor

#: Seconds between acknowledgements: far below the hold, and far above the time between events.
TICK = 0.05


class Notifier:
    """A condition without a lock: ``notify`` wakes every task that waits at that moment.

    Each notification replaces the event. One that stays set would make the next ``wait`` return at once, and a loop
    spin.
    """

    def __init__(self) -> None:
        """Start without a notification."""
        self._event = asyncio.Event()

    def notify(self) -> None:
        """Wake all waiting tasks."""
        self._event.set()
        self._event = asyncio.Event()

    async def wait(self, timeout_seconds: float | None = None) -> None:
        """Return at the next notification, or after the time-out."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_seconds):
                await self._event.wait()


class Acknowledgements:
    """The parcels of a lane in their order, from their start to their acknowledgement."""

    def __init__(
        self,
        stream: StreamT[bytes],
        redis_restart_monitor: RedisRestartMonitor,
        start: Callable[[InFlightEvent], None],
        moved: Notifier,
    ) -> None:
        """``start`` runs a parcel's effect, again where it has to be; ``moved`` tells of every change."""
        self.parcels: deque[InFlightEvent] = deque()
        self._stream = stream
        self._steadiness = redis_restart_monitor
        self._start = start
        self._moved = moved
        self._run_seen = 0

    async def run(self) -> None:
        """Acknowledge what is settled, from the head on, for as long as the task lives."""
        while True:
            self._repeat_lost()
            while self.parcels and self._settled(self.parcels[0]):
                await self._stream.ack(self.parcels.popleft().event)
            self._moved.notify()
            await (asyncio.sleep(TICK) if self.parcels else self._moved.wait())

    def _settled(self, parcel: InFlightEvent) -> bool:
        return (
            parcel.done_at is not None
            and parcel.run == self._steadiness.run
            and self._steadiness.proven(parcel.done_at)
            and not parcel.lease.stale
            and not parcel.lease.membership.rebalancing
        )

    def _repeat_lost(self) -> None:
        """Run again, after a crash of Redis, what finished and is not acknowledged.

        What is still running began in an earlier run, so it is looked at once more when it has finished.
        """
        run = self._steadiness.run
        if run != self._run_seen or (self.parcels and self.parcels[0].run != run):
            self._run_seen = run
            for parcel in self.parcels:
                if parcel.done_at is not None and parcel.run != run:
                    self._start(parcel)
