"""All partition processors of a worker, the loop that feeds each, and what they share: group, tables, log, limits."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar, cast

from faust import Stream
from faust.types import TP, EventT, StreamT
from faust.types.tuples import Message

from microblog_streams.aio.tasks import InFlight
from microblog_streams.delivery.lease import Heartbeat, Membership, PartitionLease
from microblog_streams.delivery.offset_acks import RedisRestartMonitor
from microblog_streams.delivery.partition_processor import Handler, PartitionProcessor
from microblog_streams.domain import topics
from microblog_streams.domain.dead_letters import dead_letter_headers
from microblog_streams.domain.errors import Busy, NotMine, OutcomeUnknown, StoreUnavailable
from microblog_streams.domain.events import Event
from microblog_streams.ports import EventLog

logger = logging.getLogger(__name__)

E = TypeVar("E", bound=Event)

#: Seconds that running effects may take when the worker stops, and tries of effects when partitions are revoked.
FINISH_SECONDS = 5.0


@dataclass(frozen=True)
class ProcessorLimits:
    """The limits of a partition processor (see Settings), and what it does with an event that keeps failing."""

    #: Effects that run at a time.
    window: int
    #: Events in flight.
    unacked: int
    on_failure: Literal["halt", "dead-letter"]


@dataclass
class DeliveryCounts:
    """What the partition processors of a worker have met since its start."""

    #: Failed tries of effects that are repeated: by store, or ``lease``, ``busy``, ``defect``.
    retries: Counter[str] = field(default_factory=Counter)
    #: Effects that still ran when their partition was given up.
    outlived: int = 0
    dead_letters: int = 0

    def retried(self, reason: Exception) -> None:
        """Count a failed try."""
        self.retries[_retry_reason(reason)] += 1


def _retry_reason(failure: Exception) -> str:
    if isinstance(failure, StoreUnavailable):
        return failure.store
    if isinstance(failure, OutcomeUnknown):
        return "kafka"
    if isinstance(failure, NotMine):
        return "lease"
    return "busy" if isinstance(failure, Busy) else "defect"


@dataclass
class ProcessorPool:
    """The partition processors of a worker, and what they share."""

    membership: Membership
    heartbeat: Heartbeat
    redis_restart_monitor: RedisRestartMonitor
    limits: ProcessorLimits
    log: EventLog
    #: Waits until the changelog has the rows that were written for a message.
    confirm: Callable[[Message], Awaitable[None]]
    #: Returns the offset from which a partition is read in this generation; None where nothing is committed.
    committed: Callable[[TP], Awaitable[int | None]]
    #: Returns the offset of the oldest record of a partition.
    first_offset: Callable[[TP], Awaitable[int]]
    #: Leaves the group and joins it again, to read from the last commit on.
    rejoin: Callable[[str], None]
    processors: set[PartitionProcessor] = field(default_factory=set)
    #: The tries of effects in flight.
    tries: InFlight = field(default_factory=InFlight)
    counts: DeliveryCounts = field(default_factory=DeliveryCounts)

    def lease(self, message: Message) -> PartitionLease:
        """Return the lease on a message's partition."""
        return PartitionLease(self.membership, self.heartbeat, message)

    async def next_offset(self, tp: TP) -> int:
        """Return the offset that the first event of a generation has, unless one was skipped."""
        committed = await self.committed(tp)
        return committed if committed is not None else await self.first_offset(tp)

    async def send_to_dead_letters(self, event: EventT[Any], reason: Exception, first_failure: str) -> None:
        """Publish an event on dead.letters and wait for the confirmation. Raises Transient."""
        message = event.message
        source = (message.topic, message.partition, message.offset)
        headers = dead_letter_headers(source, reason, first_failure, message.headers)
        await self.log.publish(topics.DEAD_LETTERS, message.key or b"", message.value or b"", headers)
        self.counts.dead_letters += 1
        logger.error("dead_letter topic=%s partition=%d offset=%d error=%s", *source, reason)

    async def on_partitions_revoked(self, *args: object, **kwargs: object) -> None:
        """Wait for the tries of effects in flight, before Kafka can assign the partitions to another worker.

        An effect continues until its next check of the lease: it may have a push in flight, or queued. If that ran
        after the next owner has removed the author from the timeline, the entry would stay there.
        """
        if not await self.tries.wait_ended(FINISH_SECONDS):
            self.counts.outlived += len(self.tries)
            logger.error("effects_outlive_their_lease tries=%d", len(self.tries))

    @staticmethod
    def now() -> str:
        """Return the time as dead letters have it (RFC 3339, UTC)."""
        return datetime.now(UTC).isoformat(timespec="milliseconds")

    async def drain(self) -> None:
        """When the worker stops: finish and acknowledge what is in flight, in FINISH_SECONDS + the hold at most."""
        await asyncio.gather(*(processor.drain(FINISH_SECONDS) for processor in self.processors))

    def halted(self) -> dict[str, str]:
        """Return why processors halted, by their name (topic-partition)."""
        return {processor.name: processor.halted for processor in self.processors if processor.halted}

    def unacked(self) -> int:
        """Return the number of events in flight."""
        return sum(len(processor.in_flight) for processor in self.processors)


async def deliver(
    pool: ProcessorPool,
    stream: StreamT[bytes],
    events: Mapping[str, type[E]],
    effect: Callable[[E, PartitionLease], Awaitable[None]],
    record: Callable[[E, PartitionLease], None] | None = None,
) -> None:
    """Apply every event of a stream of raw bytes: the loop of every agent.

    ``events`` maps each topic to the model of its values. ``record`` writes table rows, one event after the other, in
    the stream's own loop (Faust needs the current event for that); ``effect`` does the rest, concurrently. Both may run
    again for the same event, so both must be idempotent.
    """
    processor = PartitionProcessor(pool, stream, Handler(events, effect, record))
    pool.processors.add(processor)
    try:
        # Faust cancels the agent of a revoked partition. One that ends as cancelled counts as crashed: Faust would
        # start it again beside the partition's next agent, and stop the worker where many partitions are revoked.
        with suppress(asyncio.CancelledError):
            async for event in cast("Stream[bytes]", stream).noack().events():
                await processor.take(event)
    finally:
        pool.processors.discard(processor)
        with suppress(asyncio.CancelledError):
            await processor.close()
