"""Acknowledge events in offset order, and only once their effects in Redis are durable.

Faust may commit past an event that a later one overtook, so events wait in a queue. Redis may lose its last moments in
a crash: with an append-only file that is synced every second up to 2 s, while the keys survive. So an event is
acknowledged only after Redis was seen in the same run an ack hold after the effect. ``RedisRestartMonitor`` checks the
run; in another one, the effects that were not acknowledged are repeated.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic

from faust.types import EventT, StreamT

from microblog_streams.aio.tasks import Service
from microblog_streams.delivery.lease import PartitionLease
from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.logs.context import EventContext, event_set

#: Seconds between acknowledgements: far below the ack hold, and far above the time between events.
TICK_SECONDS = 0.05

Effect = Callable[[], Awaitable[None]]

logger = logging.getLogger(__name__)

#: Seconds between two checks of the run id.
CHECK_SECONDS = 0.5


@dataclass(eq=False)
class InFlightEvent:
    """An event that was read and is not acknowledged yet."""

    event: EventT[bytes]
    lease: PartitionLease
    effect: Effect
    context: EventContext
    #: The run of Redis in which the effect began (``RedisRestartMonitor.run``).
    run: int = 0
    #: When the effect finished (``monotonic``).
    done_at: float | None = None
    task: asyncio.Task[None] | None = None

    @property
    def offset(self) -> int:
        """Where the event lies in its partition."""
        return int(self.event.message.offset)


class RedisRestartMonitor(Service):
    """Checks the run id of Redis. ``run`` counts the runs seen so far; it is 0 before the first check."""

    def __init__(self, run_id: Callable[[], Awaitable[str]], hold: float) -> None:
        """``hold``: seconds between an effect and its acknowledgement; 0 acknowledges at once."""
        super().__init__()
        self.run = 0
        self.hold = hold
        self._run_id = run_id
        self._last_run_id: str | None = None
        self._checked_at = 0.0

    def is_durable(self, done_at: float) -> bool:
        """Return whether an effect of the current run, finished at that time, survives a crash of Redis."""
        return self.hold == 0 or self._checked_at >= done_at + self.hold

    async def check(self) -> None:
        """Read the run id of Redis, and count ``run`` up where it is a new one."""
        asked_at = monotonic()
        try:
            run_id = await self._run_id()
        except StoreUnavailable:
            return
        if run_id != self._last_run_id:
            self.run += 1
            if self._last_run_id is not None:
                logger.warning("redis_runs_anew run_id=%s", run_id)
        self._last_run_id, self._checked_at = run_id, asked_at

    @Service.task
    async def _watch(self) -> None:
        while not self.should_stop:
            await self.check()
            await self.sleep(CHECK_SECONDS)


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
                await self._ack(self.in_flight.popleft())
            self._changed.notify()
            await (asyncio.sleep(TICK_SECONDS) if self.in_flight else self._changed.wait())

    async def _ack(self, event: InFlightEvent) -> None:
        await self._stream.ack(event.event)
        if logger.isEnabledFor(logging.DEBUG):
            with event_set(event.context):
                logger.debug("event_acknowledged")

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
