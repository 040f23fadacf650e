"""What a move of the partitions waits for, and what it looks at before a step that cannot be taken back."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from microblog_streams.commands.progress_bar import Report
from microblog_streams.domain import topics
from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.domain.topics import app_id
from microblog_streams.kafka.consumer_lag import Offsets
from microblog_streams.stores.redis.worker_registry import Worker

#: Seconds between looks at what is waited for, and for which workers are watched as they start again.
_GLANCE, _WATCH = 0.5, 120.0


@dataclass(frozen=True)
class ProgressWaits:
    """Looks at what the workers of a generation have done, by Kafka and by what they announce."""

    offsets: Offsets
    workers: Callable[[], Awaitable[Sequence[Worker]]]
    #: Called between two looks, to end a wait that is not this command's any more.
    keep: Callable[[], Awaitable[object]]
    report: Report

    async def warmed(self, generation: int, partitions: int) -> None:
        """Wait for workers of a generation that have all its partitions, and have caught up with its edges.

        That is, with those that are there once they have them all: under load there are always more on their way.
        """
        self.report.step("waiting for workers with MICROBLOG_GENERATION=next: partitions", partitions)
        while (owned := await self._owned(generation)) < partitions:
            self.report.at(owned)
            await self._rest()
        self.report.at(owned)
        ends = await self.offsets.ends(_names(topics.EDGES, generation), partitions)
        while not await self.offsets.reached(app_id(generation), ends):
            await self._rest()

    async def drained(self, what: str, logical: Sequence[str], generation: int, partitions: int) -> None:
        """Wait until the workers of a generation have brought about what its topics hold."""
        first = await self._behind(logical, generation, partitions)
        self.report.step(f"waiting for the delivery of old {what}", first)
        while behind := await self._behind(logical, generation, partitions):
            first = max(first, behind)
            self.report.at(first - behind, first)
            await self._rest()

    async def moved(self, generation: int) -> Sequence[Worker]:
        """Watch the workers start again in a generation; return those that have not after a while."""
        deadline = time.monotonic() + _WATCH
        self.report.step("workers start again")
        while True:
            try:
                workers = await self.workers()
            except StoreUnavailable:
                return ()
            left = [worker for worker in workers if worker.generation != generation]
            self.report.at(len(workers) - len(left), len(workers))
            if not left or time.monotonic() > deadline:
                return left
            await asyncio.sleep(_GLANCE)

    async def begun(self, generation: int, partitions: int) -> bool:
        """Tell whether workers run in a generation, or have brought about any of its edges."""
        if await self._workers_of(generation):
            return True
        names = _names(topics.EDGES, generation)
        done = [(await self.offsets.progress(app_id(generation), name, partitions))[0] for name in names]
        return any(done)

    async def expired(self, generation: int, partitions: int) -> int:
        """Return how many edge events of a generation expired before its workers had brought them about."""
        return await self.offsets.expired(app_id(generation), _names(topics.EDGES, generation), partitions)

    async def _owned(self, generation: int) -> int:
        return len({part for worker in await self._workers_of(generation) for part in worker.partitions})

    async def _workers_of(self, generation: int) -> list[Worker]:
        return [worker for worker in await self.workers() if worker.generation == generation]

    async def _behind(self, logical: Sequence[str], generation: int, partitions: int) -> int:
        return await self.offsets.behind(app_id(generation), _names(logical, generation), partitions)

    async def _rest(self) -> None:
        await self.keep()
        await asyncio.sleep(_GLANCE)


def _names(logical: Sequence[str], generation: int) -> list[str]:
    return [topics.topic_name(name, generation) for name in logical]
