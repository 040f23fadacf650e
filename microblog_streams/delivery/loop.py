"""The loop that every agent is written with. An agent says what its events are and what they bring about; that every
event is brought about at least once, and acknowledged only then and in order, is said here and in ``lane``.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, TypeVar, cast

from faust import Stream
from faust.types import StreamT

from microblog_streams.delivery.lease import PartitionLease
from microblog_streams.delivery.partition_processor import Handler, PartitionProcessor
from microblog_streams.domain.events import Event

if TYPE_CHECKING:
    from microblog_streams.delivery.processor_pool import ProcessorPool

E = TypeVar("E", bound=Event)


async def deliver(
    processor_pool: "ProcessorPool",
    stream: StreamT[bytes],
    events: Mapping[str, type[E]],
    effect: Callable[[E, PartitionLease], Awaitable[None]],
    record: Callable[[E, PartitionLease], None] | None = None,
) -> None:
    """Bring about every event of a stream of raw bytes.

    ``events`` says which model the values of each topic are. ``record`` writes table rows, one event after the other,
    in the stream's own loop (a table write needs the current event); ``effect`` does the rest, beside other effects.
    Both may run again for the same event, so both must be idempotent.
    """
    lane = PartitionProcessor(processor_pool, stream, Handler(events, effect, record))
    processor_pool.lanes.add(lane)
    try:
        # Faust ends and cancels an agent whose partition was revoked, and takes one that ends as cancelled for one
        # that crashed: it would start it anew beside the partition's next, and end the worker where many are revoked.
        with contextlib.suppress(asyncio.CancelledError):
            async for event in cast("Stream[bytes]", stream).noack().events():
                await lane.take(event)
    finally:
        processor_pool.lanes.discard(lane)
        with contextlib.suppress(asyncio.CancelledError):
            await lane.close()
