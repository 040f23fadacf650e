"""Waits of a repartition for the workers, by committed offsets in Kafka and by the worker registry in Redis."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from microblog_streams.domain import topics
from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.domain.topics import app_id
from microblog_streams.kafka.consumer_lag import Offsets
from microblog_streams.ports import Progress
from microblog_streams.stores.redis.worker_registry import Worker

_POLL_SECONDS: Final = 0.5
#: How long restarting workers are watched.
_RESTART_SECONDS: Final = 120.0


@dataclass(frozen=True)
class ProgressWaits:
    """Waits for the workers of a topic set. All methods raise StoreUnavailable."""

    offsets: Offsets
    workers: Callable[[], Awaitable[Sequence[Worker]]]
    #: Called with every poll; it raises if another command has taken over the repartition.
    keep: Callable[[], Awaitable[object]]
    progress: Progress

    async def wait_until_warm(self, topic_set: int, partitions: int) -> None:
        """Wait until workers own all partitions of a topic set, and have acknowledged its edge events.

        Only the events that exist when all partitions are owned: under load there are always newer ones.
        """
        self.progress.step("waiting for workers with MICROBLOG_GENERATION=next: partitions", partitions)
        while (owned := await self._owned(topic_set)) < partitions:
            self.progress.update(owned)
            await self._pause()
        self.progress.update(owned)
        ends = await self.offsets.end_offsets(_names(topics.EDGES, topic_set), partitions)
        while not await self.offsets.has_committed(app_id(topic_set), ends):
            await self._pause()

    async def wait_until_drained(self, what: str, logical: Sequence[str], topic_set: int, partitions: int) -> None:
        """Wait until the workers of a topic set have acknowledged all records of its ``logical`` topics."""
        total = await self._behind(logical, topic_set, partitions)
        self.progress.step(f"waiting for the delivery of old {what}", total)
        while behind := await self._behind(logical, topic_set, partitions):
            total = max(total, behind)
            self.progress.update(total - behind, total)
            await self._pause()

    async def wait_until_restarted(self, topic_set: int) -> Sequence[Worker]:
        """Wait until all workers run with a topic set; return those that do not after two minutes."""
        deadline = time.monotonic() + _RESTART_SECONDS
        self.progress.step("workers restart")
        while True:
            try:
                workers = await self.workers()
            except StoreUnavailable:
                return ()
            left = [worker for worker in workers if worker.generation != topic_set]
            self.progress.update(len(workers) - len(left), len(workers))
            if not left or time.monotonic() > deadline:
                return left
            await asyncio.sleep(_POLL_SECONDS)

    async def has_begun(self, topic_set: int, partitions: int) -> bool:
        """Return whether workers run with a topic set, or have acknowledged any of its edge events."""
        if await self._workers_of(topic_set):
            return True
        names = _names(topics.EDGES, topic_set)
        acknowledged = [(await self.offsets.progress(app_id(topic_set), name, partitions))[0] for name in names]
        return any(acknowledged)

    async def count_expired(self, topic_set: int, partitions: int) -> int:
        """Return how many edge events of a topic set expired before its workers acknowledged them."""
        return await self.offsets.expired(app_id(topic_set), _names(topics.EDGES, topic_set), partitions)

    async def _owned(self, topic_set: int) -> int:
        return len({partition for worker in await self._workers_of(topic_set) for partition in worker.partitions})

    async def _workers_of(self, topic_set: int) -> list[Worker]:
        return [worker for worker in await self.workers() if worker.generation == topic_set]

    async def _behind(self, logical: Sequence[str], topic_set: int, partitions: int) -> int:
        return await self.offsets.total_lag(app_id(topic_set), _names(logical, topic_set), partitions)

    async def _pause(self) -> None:
        await self.keep()
        await asyncio.sleep(_POLL_SECONDS)


def _names(logical: Sequence[str], topic_set: int) -> list[str]:
    return [topics.topic_name(name, topic_set) for name in logical]
