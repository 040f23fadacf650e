"""All lanes of a worker, and what they need from it: its group, its tables, its log and its settings."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from faust.types import TP, EventT
from faust.types.tuples import Message

from microblog_streams.aio.tasks import InFlight
from microblog_streams.delivery.lease import Heartbeat, Membership, PartitionLease
from microblog_streams.delivery.partition_processor import PartitionProcessor
from microblog_streams.delivery.redis_restart_monitor import RedisRestartMonitor
from microblog_streams.domain import topics
from microblog_streams.domain.dead_letters import dead_letter_headers
from microblog_streams.ports import EventLog

logger = logging.getLogger(__name__)

#: Seconds that running effects are given when the worker stops, and tries of them when partitions are given back.
PATIENCE = 5.0


@dataclass(frozen=True)
class ProcessorLimits:
    """The bounds of a lane (see Settings) and what happens to an event that keeps failing."""

    window: int
    unacked: int
    on_failure: Literal["halt", "dead-letter"]


@dataclass
class ProcessorPool:
    """What a worker delivers, and with what."""

    membership: Membership
    heartbeat: Heartbeat
    redis_restart_monitor: RedisRestartMonitor
    terms: ProcessorLimits
    log: EventLog
    #: Waits for the changelog's confirmation of the rows that were written for a message.
    confirm: Callable[[Message], Awaitable[None]]
    #: The offset that a partition is read from, in this generation: the committed one, None where there is none.
    committed: Callable[[TP], Awaitable[int | None]]
    #: The offset of the oldest record that a partition still has.
    first_offset: Callable[[TP], Awaitable[int]]
    #: Leaves the group and joins it again, so that everything is read from the last commit on.
    rejoin: Callable[[str], None]
    lanes: set[PartitionProcessor] = field(default_factory=set)
    #: The tries of effects.
    tries: InFlight = field(default_factory=InFlight)

    def lease(self, message: Message) -> PartitionLease:
        """Return the hold on a message's partition."""
        return PartitionLease(self.membership, self.heartbeat, message)

    async def next_offset(self, tp: TP) -> int:
        """Return the offset that the first event of a generation has, if none was skipped."""
        committed = await self.committed(tp)
        return committed if committed is not None else await self.first_offset(tp)

    async def bury(self, event: EventT[Any], reason: Exception, first_failure: str) -> None:
        """Send an event to dead.letters, with the broker's confirmation. Raises Transient."""
        message = event.message
        source = (message.topic, message.partition, message.offset)
        headers = dead_letter_headers(source, reason, first_failure, message.headers)
        await self.log.publish(topics.DEAD_LETTERS, message.key or b"", message.value or b"", headers)
        logger.error("dead_letter topic=%(topic)s partition=%(partition)s offset=%(offset)s error=%(error)s", headers)

    async def let_go(self, *args: object, **kwargs: object) -> None:
        """Let no call of an effect outlive the hold on its partition; to be called before another worker can have it.

        An effect goes on until its next look at the lease: it may have a push in flight, or in the queue for its turn.
        Were that made after the partition's next owner has taken the author out of the timeline, it would stay there.
        """
        if not await self.tries.wait_ended(PATIENCE):
            logger.error("effects_outlive_their_lease tries=%d", len(self.tries))

    @staticmethod
    def now() -> str:
        """Return the time as dead letters carry it (RFC 3339, UTC)."""
        return datetime.now(UTC).isoformat(timespec="milliseconds")

    async def drain(self) -> None:
        """Finish and acknowledge what is under way, when the worker stops. Takes PATIENCE + the hold at most."""
        await asyncio.gather(*(lane.drain(PATIENCE) for lane in self.lanes))

    def halted(self) -> dict[str, str]:
        """Return the lanes that halted, and why."""
        return {lane.name: lane.halted for lane in self.lanes if lane.halted}

    def unacked(self) -> int:
        """Return how many events are under way or wait for their acknowledgement."""
        return sum(len(lane.parcels) for lane in self.lanes)
