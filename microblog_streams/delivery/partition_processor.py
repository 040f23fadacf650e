"""A partition processor runs the events of one partition of one topic, from their reading to their acknowledgement.

Effects run concurrently, at most ``window`` at a time. Acknowledgements are made strictly in offset order, because
Faust may commit past an event that a later one overtook; ``unacked`` bounds the events in flight. Both limits pause the
stream. Errors:

- connections, time-outs and overload (``Transient``) are retried for as long as it takes;
- after a lost lease (``NotMine``), the event waits until the lease is valid again, or until the next generation, in
  which everything that was not acknowledged is read again;
- anything else is retried five times; then the processor halts, or the event becomes a dead letter.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from faust.types import TP, EventT, StreamT

from microblog_streams.aio.failures import pauses
from microblog_streams.aio.tasks import cancel_all
from microblog_streams.delivery.lease import PartitionLease
from microblog_streams.delivery.offset_acks import TICK_SECONDS, Effect, InFlightEvent, Notifier, OffsetAcks
from microblog_streams.domain.errors import NotMine, Transient
from microblog_streams.domain.events import Event, UndecodableEvent, UnknownSchema, decode
from microblog_streams.logs import context
from microblog_streams.logs.context import EventContext
from microblog_streams.traces import event_span

if TYPE_CHECKING:
    from microblog_streams.delivery.processor_pool import ProcessorPool

logger = logging.getLogger(__name__)

#: Tries of an effect that fails for a reason that is not transient.
MAX_TRIES = 5
#: Seconds between two checks, while a processor waits, whether the group has a new generation.
CHECK_SECONDS = 0.5
#: Seconds beyond the ack hold for which a stop waits for acknowledgements.
ACK_GRACE_SECONDS = 1.5

_WAITS: Final = "event_waits lane=%s offset=%d tries=%d reason=%s"


@dataclass(frozen=True)
class Handler:
    """What an agent does: the model of each topic's values, the effect of an event, and the rows that it writes."""

    events: Mapping[str, type[Any]]
    effect: Callable[[Any, PartitionLease], Awaitable[None]]
    record: Callable[[Any, PartitionLease], None] | None = None


class PartitionProcessor:
    """Applies the events of one partition; agents use isolated partitions, so there is one for each."""

    def __init__(self, pool: "ProcessorPool", stream: StreamT[bytes], handler: Handler) -> None:
        """Start without a partition: the first event says which it is."""
        self.pool = pool
        self.halted: str | None = None
        self.name = "idle"
        self._handler = handler
        self._generation: int | None = None
        self._expected: int | None = None
        self._draining = False
        self._running = 0
        self._slots = asyncio.Semaphore(pool.limits.window)
        self._changed = Notifier()
        self._offset_acks = OffsetAcks(stream, pool.redis_restart_monitor, self._start, self._changed)
        self._acks: asyncio.Task[None] | None = None

    @property
    def in_flight(self) -> deque[InFlightEvent]:
        """The events that are not acknowledged yet, in offset order."""
        return self._offset_acks.in_flight

    async def take(self, event: EventT[bytes]) -> None:
        """Start the event's effect once the limits allow it. Events that will be read again are dropped.

        A defect of the processor itself halts it, like one of an effect. An agent that raised would be restarted by
        Faust behind the events that were not acknowledged.
        """
        lease, read = self.pool.lease(event.message), EventContext(event.message, event.headers)
        context.event.set(read)
        try:
            await self._take(event, lease, read)
        except Exception as exc:
            logger.exception("event_not_taken lane=%s offset=%d", self.name, lease.message.offset)
            await self._halt_and_wait(event, lease, exc)

    async def _take(self, event: EventT[bytes], lease: PartitionLease, read: EventContext) -> None:
        if self._draining or lease.stale:
            return
        if event.message.generation_id != self._generation and not await self._begin(event, lease):
            return
        if not await self._is_next(lease):
            return
        if not await self._wait(lease, lambda: self._within_limits() and self.halted is None):
            return
        self._expected = event.message.offset + 1
        if (effect := await self._open(event, lease, read)) is not None:
            pending = InFlightEvent(event, lease, effect, read)
            logger.debug("event_consumed")
            self.in_flight.append(pending)
            self._start(pending)
            self._changed.notify()

    async def drain(self, timeout_seconds: float) -> None:
        """Take no more events; finish running effects in ``timeout_seconds``, acknowledge them after the hold."""
        self._draining = True
        running = [pending.task for pending in self.in_flight if pending.task and not pending.task.done()]
        if running:
            _, late = await asyncio.wait(running, timeout=timeout_seconds)
            for task in late:
                task.cancel()
        deadline = monotonic() + self.pool.redis_restart_monitor.hold + ACK_GRACE_SECONDS
        while self.in_flight and self.in_flight[0].done_at is not None and monotonic() < deadline:
            await self._changed.wait(TICK_SECONDS)

    async def close(self) -> None:
        """Drop all events in flight without acknowledging them."""
        tasks = [pending.task for pending in self.in_flight if pending.task]
        if self._acks is not None:
            tasks.append(self._acks)
        self.in_flight.clear()
        await cancel_all(tasks)

    async def _begin(self, event: EventT[bytes], lease: PartitionLease) -> bool:
        """Start again in a new generation of the group, which reads again what was not acknowledged."""
        await self.close()
        message = event.message
        self.name = f"{message.topic}-{message.partition}"
        self.halted = None
        self._expected = await self._offset(lease, self.pool.next_offset)
        if self._expected is None:
            return False
        self._generation = message.generation_id
        self._acks = asyncio.create_task(self._offset_acks.run())
        self._acks.add_done_callback(self._on_acks_ended)
        return True

    def _on_acks_ended(self, task: asyncio.Task[None]) -> None:
        """Report that the acknowledging task ended by itself, a defect: nothing is acknowledged without it."""
        if not task.cancelled():
            self.halted = f"acknowledging ended: {task.exception()!r}"
            logger.critical("partition_halted lane=%s reason=%s", self.name, task.exception())

    async def _is_next(self, lease: PartitionLease) -> bool:
        """Return whether this is the next event. Where events were skipped, rejoin the group to read them again.

        Offsets are contiguous: the topics are neither compacted nor transactional.
        """
        offset = lease.message.offset
        assert self._expected is not None
        if offset <= self._expected:
            return offset == self._expected
        if (first := await self._offset(lease, self.pool.first_offset)) is None:
            return False
        if offset <= first:
            logger.error("events_expired lane=%s from=%d to=%d", self.name, self._expected, offset)
            return True
        logger.error("events_skipped lane=%s expected=%d got=%d", self.name, self._expected, offset)
        self.pool.rejoin(f"{self.name} skipped from {self._expected} to {offset}")
        await self._wait(lease, lambda: False)
        return False

    async def _offset(self, lease: PartitionLease, ask: Callable[[TP], Awaitable[int]]) -> int | None:
        """Ask Kafka for an offset until it answers; return None after a rebalance or when the worker stops."""
        for count, pause in enumerate(pauses(), 1):
            try:
                return await ask(lease.message.tp)
            except Transient as exc:
                self._report(count, lease, exc)
                if not await self._pause(lease, pause):
                    return None
        raise AssertionError("pauses have no end")

    async def _open(self, event: EventT[bytes], lease: PartitionLease, read: EventContext) -> Effect | None:
        """Decode the event and write its rows; return its effect, None where the event was dropped."""
        message = event.message
        try:
            parsed = decode(self._handler.events[message.topic], message.key, message.value, event.headers)
        except UndecodableEvent as exc:
            return self._dead_letter(event, exc)
        except UnknownSchema as exc:
            return await self._halt_and_wait(event, lease, exc)
        read.decoded = parsed
        return await self._record(event, parsed, lease)

    async def _record(self, event: EventT[bytes], parsed: Event, lease: PartitionLease) -> Effect | None:
        """Write the event's rows, however long it takes; return its effect, None where the event was dropped."""
        failures = 0
        for count, pause in enumerate(pauses(), 1):
            try:
                if self._handler.record is not None:
                    self._handler.record(parsed, lease)
                return lambda: self._handler.effect(parsed, lease)
            except (Transient, NotMine) as exc:
                self.pool.counts.retried(exc)
                self._report(count, lease, exc)
            except Exception as exc:
                failures += 1
                self.pool.counts.retried(exc)
                logger.exception("row_failed lane=%s offset=%d try=%d", self.name, lease.message.offset, failures)
                if failures == MAX_TRIES:
                    return (
                        self._dead_letter(event, exc)
                        if self._makes_dead_letters()
                        else await self._halt_and_wait(event, lease, exc)
                    )
            if not await self._pause(lease, pause):
                return None
        raise AssertionError("pauses have no end")

    def _start(self, pending: InFlightEvent) -> None:
        pending.run, pending.done_at = self.pool.redis_restart_monitor.run, None
        pending.task = asyncio.create_task(self._run(pending))
        pending.task.add_done_callback(self._ended)
        self._running += 1

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running -= 1
        self._changed.notify()

    async def _run(self, pending: InFlightEvent) -> None:
        """Apply the event in the context of its logs, and of the trace that it continues."""
        context.event.set(pending.context)
        async with self._slots:
            with event_span(pending.event.message.topic, pending.event.headers, pending.context.attributes):
                await self._apply(pending)

    async def _apply(self, pending: InFlightEvent) -> None:
        """Run the event's effect, however long it takes, unless the next generation will."""
        failures = 0
        for count, pause in enumerate(pauses(), 1):
            try:
                with self.pool.tries.call():
                    await pending.effect()
                await self.pool.confirm(pending.event.message)
                pending.done_at = monotonic()
                logger.debug("event_applied")
                break
            except (Transient, NotMine) as exc:
                self.pool.counts.retried(exc)
                if self.in_flight and pending is self.in_flight[0]:  # the others wait for the same, behind it
                    self._report(count, pending.lease, exc)
            except Exception as exc:
                failures += 1
                self.pool.counts.retried(exc)
                logger.exception("effect_failed lane=%s offset=%d try=%d", self.name, pending.offset, failures)
                if failures == MAX_TRIES and not self._give_up(pending, exc):
                    break
            await asyncio.sleep(pause)
            if pending.lease.stale:
                break

    def _give_up(self, pending: InFlightEvent, exc: Exception) -> bool:
        """Make the event a dead letter and return True, or halt the processor and return False."""
        if self._makes_dead_letters():
            pending.effect = self._dead_letter(pending.event, exc)
            return True
        self._halt(pending.event, exc)
        return False

    def _makes_dead_letters(self) -> bool:
        return self.pool.limits.on_failure == "dead-letter"

    def _dead_letter(self, event: EventT[bytes], reason: Exception) -> Effect:
        first_failure = self.pool.now()
        return lambda: self.pool.send_to_dead_letters(event, reason, first_failure)

    def _halt(self, event: EventT[bytes], reason: Exception) -> None:
        self.halted = f"offset {event.message.offset}: {type(reason).__name__}: {reason}"
        logger.critical("partition_halted lane=%s offset=%d reason=%s", self.name, event.message.offset, reason)

    async def _halt_and_wait(self, event: EventT[bytes], lease: PartitionLease, reason: Exception) -> Effect | None:
        """Halt at an event whose rows are not written; return None after a rebalance or when the worker stops."""
        self._halt(event, reason)
        await self._wait(lease, lambda: False)
        return None

    def _within_limits(self) -> bool:
        # Not what holds a slot: a task takes its slot only when it first runs, and the stream may be faster.
        return self._running < self.pool.limits.window and len(self.in_flight) < self.pool.limits.unacked

    async def _wait(self, lease: PartitionLease, condition: Callable[[], bool]) -> bool:
        """Wait for the condition; return False after a rebalance or when the worker stops."""
        while not condition():
            await self._changed.wait(CHECK_SECONDS)
            if lease.stale or self._draining:
                return False
        return True

    async def _pause(self, lease: PartitionLease, seconds: float) -> bool:
        """Pause between two tries; return False after a rebalance or when the worker stops."""
        await asyncio.sleep(min(seconds, CHECK_SECONDS))
        return not (lease.stale or self._draining)

    def _report(self, count: int, lease: PartitionLease, exc: Exception) -> None:
        if count & (count - 1) == 0:
            logger.warning(_WAITS, self.name, lease.message.offset, count, exc)
