"""A lane: the events of one partition of one topic, on their way from being read to being acknowledged.

Effects run side by side, at most ``window`` at a time. Acknowledgements go strictly in order, because Faust may commit
past an event that was overtaken; what is finished and not acknowledged is bounded by ``unacked``. Both bounds hold the
stream back. Errors: connections, time-outs and overload are tried again for as long as it takes; a lost lease waits for
its return or for the next generation, in which all that was not acknowledged is read again; anything else is tried
five times, and then the lane halts, or the event goes to dead.letters.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any

from faust.types import TP, EventT, StreamT

from microblog_streams.aio.backoff import pauses
from microblog_streams.aio.tasks import cancel_all
from microblog_streams.delivery.in_flight_event import InFlightEvent, UndecodableEvent, Unknown, Work, read
from microblog_streams.delivery.lease import PartitionLease
from microblog_streams.delivery.offset_acks import TICK, Acknowledgements, Notifier
from microblog_streams.domain.errors import NotMine, Transient
from microblog_streams.domain.events import Event

if TYPE_CHECKING:
    from microblog_streams.delivery.processor_pool import ProcessorPool

logger = logging.getLogger(__name__)

#: Tries of an event whose effect fails for a reason that is not expected to pass.
TRIES = 5
#: Seconds after which a lane that waits looks whether the group moved on.
GLANCE = 0.5
#: Seconds for which finished effects may wait for their acknowledgement when the worker stops, beyond the hold.
GRACE = 1.5


@dataclass(frozen=True)
class Handler:
    """What an agent does: the model of each topic, the effect of an event, and the rows it writes."""

    events: Mapping[str, type[Any]]
    effect: Callable[[Any, PartitionLease], Awaitable[None]]
    record: Callable[[Any, PartitionLease], None] | None = None


class PartitionProcessor:
    """Takes events in their order, and acknowledges them in their order."""

    def __init__(self, processor_pool: "ProcessorPool", stream: StreamT[bytes], handler: Handler) -> None:
        """One lane a partition and topic: agents use isolated partitions."""
        self.processor_pool = processor_pool
        self.halted: str | None = None
        self.name = "idle"
        self._handler = handler
        self._generation: int | None = None
        self._expected: int | None = None
        self._draining = False
        self._running = 0
        self._slots = asyncio.Semaphore(processor_pool.terms.window)
        self._moved = Notifier()
        self._acknowledgements = Acknowledgements(
            stream, processor_pool.redis_restart_monitor, self._start, self._moved
        )
        self._acks: asyncio.Task[None] | None = None

    @property
    def parcels(self) -> deque[InFlightEvent]:
        """What is under way or waits for its acknowledgement, in order."""
        return self._acknowledgements.parcels

    async def take(self, event: EventT[bytes]) -> None:
        """Start the event's effect, once there is room for it. Events that will be read again are dropped.

        A defect of the lane halts it, as one of an effect does: an agent that ends is started anew by Faust, behind
        the events that its predecessor had not acknowledged.
        """
        lease = self.processor_pool.lease(event.message)
        try:
            await self._take(event, lease)
        except Exception as exc:
            logger.exception("event_not_taken %s", self._where(lease))
            await self._stand_still(event, lease, exc)

    async def _take(self, event: EventT[bytes], lease: PartitionLease) -> None:
        if self._draining or lease.stale:
            return
        if event.message.generation_id != self._generation and not await self._begin(event, lease):
            return
        if not await self._in_sequence(lease):
            return
        if not await self._wait(lease, lambda: self._has_room() and self.halted is None):
            return
        self._expected = event.message.offset + 1
        if (work := await self._open(event, lease)) is not None:
            parcel = InFlightEvent(event, lease, work)
            self.parcels.append(parcel)
            self._start(parcel)
            self._moved.notify()

    async def drain(self, patience: float) -> None:
        """Take nothing more; finish what runs within ``patience`` seconds, and acknowledge it after the hold."""
        self._draining = True
        running = [parcel.task for parcel in self.parcels if parcel.task and not parcel.task.done()]
        if running:
            _, late = await asyncio.wait(running, timeout=patience)
            for task in late:
                task.cancel()
        deadline = monotonic() + self.processor_pool.redis_restart_monitor.hold + GRACE
        while self.parcels and self.parcels[0].done_at is not None and monotonic() < deadline:
            await self._moved.wait(TICK)

    async def close(self) -> None:
        """Let go of everything, without acknowledging."""
        tasks = [parcel.task for parcel in self.parcels if parcel.task]
        if self._acks is not None:
            tasks.append(self._acks)
        self.parcels.clear()
        await cancel_all(tasks)

    async def _begin(self, event: EventT[bytes], lease: PartitionLease) -> bool:
        """Start anew in another generation of the group: what was not acknowledged is read again."""
        await self.close()
        message = event.message
        self.name = f"{message.topic}-{message.partition}"
        self.halted = None
        self._expected = await self._learn(lease, self.processor_pool.next_offset)
        if self._expected is None:
            return False
        self._generation = message.generation_id
        self._acks = asyncio.create_task(self._acknowledgements.run())
        self._acks.add_done_callback(self._never)
        return True

    def _never(self, task: asyncio.Task[None]) -> None:
        """Say that acknowledging ended by itself, which it never should: the lane stands still without it."""
        if not task.cancelled():
            self.halted = f"acknowledging ended: {task.exception()!r}"
            logger.critical("partition_halted lane=%s %s", self.name, self.halted)

    async def _in_sequence(self, lease: PartitionLease) -> bool:
        """Tell whether no event before this one was skipped; see to it that it is read again where one was.

        Offsets of a partition are contiguous here: the topics are neither compacted nor transactional.
        """
        offset = lease.message.offset
        assert self._expected is not None
        if offset <= self._expected:
            return offset == self._expected
        if (first := await self._learn(lease, self.processor_pool.first_offset)) is None:
            return False
        if offset <= first:
            logger.error("events_expired lane=%s from=%d to=%d", self.name, self._expected, offset)
            return True
        logger.error("events_skipped lane=%s expected=%d got=%d", self.name, self._expected, offset)
        self.processor_pool.rejoin(f"{self.name} skipped from {self._expected} to {offset}")
        await self._wait(lease, lambda: False)
        return False

    async def _learn(self, lease: PartitionLease, ask: Callable[[TP], Awaitable[int]]) -> int | None:
        """Ask Kafka for an offset until it answers; None where the group moved on, or the worker stops, before."""
        for count, pause in enumerate(pauses(), 1):
            try:
                return await ask(lease.message.tp)
            except Transient as exc:
                self._report(count, lease, exc)
                if not await self._rest(lease, pause):
                    return None
        raise AssertionError("pauses have no end")

    async def _open(self, event: EventT[bytes], lease: PartitionLease) -> Work | None:
        """Read the event and write its rows; return what is left to do, None where it was dropped."""
        message = event.message
        try:
            parsed = read(self._handler.events[message.topic], message.key, message.value, event.headers)
        except UndecodableEvent as exc:
            return self._burial(event, exc)
        except Unknown as exc:
            return await self._stand_still(event, lease, exc)
        return await self._record(event, parsed, lease)

    async def _record(self, event: EventT[bytes], parsed: Event, lease: PartitionLease) -> Work | None:
        """Write the event's rows, however long it takes; return what is left to do, None where it was dropped."""
        failures = 0
        for count, pause in enumerate(pauses(), 1):
            try:
                if self._handler.record is not None:
                    self._handler.record(parsed, lease)
                return lambda: self._handler.effect(parsed, lease)
            except (Transient, NotMine) as exc:
                self._report(count, lease, exc)
            except Exception as exc:
                failures += 1
                logger.exception("row_failed %s try=%d", self._where(lease), failures)
                if failures == TRIES:
                    return self._burial(event, exc) if self._buries() else await self._stand_still(event, lease, exc)
            if not await self._rest(lease, pause):
                return None
        raise AssertionError("pauses have no end")

    def _start(self, parcel: InFlightEvent) -> None:
        parcel.run, parcel.done_at = self.processor_pool.redis_restart_monitor.run, None
        parcel.task = asyncio.create_task(self._run(parcel))
        parcel.task.add_done_callback(self._ended)
        self._running += 1

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running -= 1
        self._moved.notify()

    async def _run(self, parcel: InFlightEvent) -> None:
        """Bring about the event, however long it takes, unless the next generation will."""
        failures = 0
        async with self._slots:
            for count, pause in enumerate(pauses(), 1):
                try:
                    with self.processor_pool.tries.call():
                        await parcel.work()
                    await self.processor_pool.confirm(parcel.event.message)
                    parcel.done_at = monotonic()
                    break
                except (Transient, NotMine) as exc:
                    if self.parcels and parcel is self.parcels[0]:  # the others wait for the same, behind it
                        self._report(count, parcel.lease, exc)
                except Exception as exc:
                    failures += 1
                    logger.exception("effect_failed %s try=%d", self._where(parcel.lease), failures)
                    if failures == TRIES and not self._give_up(parcel, exc):
                        break
                await asyncio.sleep(pause)
                if parcel.lease.stale:
                    break

    def _give_up(self, parcel: InFlightEvent, exc: Exception) -> bool:
        """Turn the parcel into a dead letter, or halt the lane; tell whether to go on with the parcel."""
        if self._buries():
            parcel.work = self._burial(parcel.event, exc)
            return True
        self._halt(parcel.event, exc)
        return False

    def _buries(self) -> bool:
        return self.processor_pool.terms.on_failure == "dead-letter"

    def _burial(self, event: EventT[bytes], reason: Exception) -> Work:
        first_failure = self.processor_pool.now()
        return lambda: self.processor_pool.bury(event, reason, first_failure)

    def _halt(self, event: EventT[bytes], reason: Exception) -> None:
        self.halted = f"offset {event.message.offset}: {type(reason).__name__}: {reason}"
        logger.critical("partition_halted lane=%s %s", self.name, self.halted)

    async def _stand_still(self, event: EventT[bytes], lease: PartitionLease, reason: Exception) -> Work | None:
        """Halt at an event whose rows are not written; return None when the group moved on, or the worker stops."""
        self._halt(event, reason)
        await self._wait(lease, lambda: False)
        return None

    def _has_room(self) -> bool:
        # Not what holds a slot: a task takes its slot only when it first runs, and the stream may be faster.
        return (
            self._running < self.processor_pool.terms.window and len(self.parcels) < self.processor_pool.terms.unacked
        )

    async def _wait(self, lease: PartitionLease, condition: Callable[[], bool]) -> bool:
        """Wait for the condition; False where the group moved on, or the worker stops, before it held."""
        while not condition():
            await self._moved.wait(GLANCE)
            if lease.stale or self._draining:
                return False
        return True

    async def _rest(self, lease: PartitionLease, seconds: float) -> bool:
        """Pause between two tries; False where the group moved on meanwhile, or the worker stops."""
        await asyncio.sleep(min(seconds, GLANCE))
        return not (lease.stale or self._draining)

    def _report(self, count: int, lease: PartitionLease, exc: Exception) -> None:
        if count & (count - 1) == 0:
            logger.warning("event_waits %s tries=%d reason=%s", self._where(lease), count, exc)

    def _where(self, lease: PartitionLease) -> str:
        return f"lane={self.name} offset={lease.message.offset}"
