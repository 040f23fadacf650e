"""Acknowledge events in offset order, and only once their effects in Redis are durable.

Faust may commit past an event that a later one overtook, and Redis may lose its last seconds in a crash.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from faust.types import StreamT

from microblog_streams.delivery.in_flight_event import InFlightEvent
from microblog_streams.delivery.redis_restart_monitor import RedisRestartMonitor

#: Seconds between acknowledgements: far below the ack hold, and far above the time between events.
TICK_SECONDS = 0.05


class Notifier:
    """A condition without a lock: ``notify`` wakes every task that waits at that moment.

    Each notification replaces the event: one that stays set would make the next ``wait`` return at once, and a loop
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


class OffsetAcks:
    """The in-flight events of one partition processor, in offset order."""

    def __init__(
        self,
        stream: StreamT[bytes],
        redis_restart_monitor: RedisRestartMonitor,
        start: Callable[[InFlightEvent], None],
        changed: Notifier,
    ) -> None:
        """``start`` runs an event's effect, again if necessary; ``changed`` is notified of every change."""
        self.in_flight: deque[InFlightEvent] = deque()
        self._stream = stream
        self._redis_restart_monitor = redis_restart_monitor
        self._start = start
        self._changed = changed
        self._last_run = 0

    async def run(self) -> None:
        """Acknowledge events from the head of the queue, until the task is cancelled."""
        while True:
            self._restart_lost_effects()
            while self.in_flight and self._may_ack(self.in_flight[0]):
                await self._stream.ack(self.in_flight.popleft().event)
            self._changed.notify()
            await (asyncio.sleep(TICK_SECONDS) if self.in_flight else self._changed.wait())

    def _may_ack(self, event: InFlightEvent) -> bool:
        return (
            event.done_at is not None
            and event.run == self._redis_restart_monitor.run
            and self._redis_restart_monitor.is_durable(event.done_at)
            and not event.lease.stale
            and not event.lease.membership.rebalancing
        )

    def _restart_lost_effects(self) -> None:
        """After a restart of Redis, run again the effects that finished and are not acknowledged.

        An effect that is still running began in the earlier run, so it is checked once more when it has finished.
        """
        run = self._redis_restart_monitor.run
        if run != self._last_run or (self.in_flight and self.in_flight[0].run != run):
            self._last_run = run
            for event in self.in_flight:
                if event.done_at is not None and event.run != run:
                    self._start(event)
