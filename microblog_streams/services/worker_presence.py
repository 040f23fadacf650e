"""Tells the other workers that this one is here, and keeps what they tell: who has which partition."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress

from microblog_streams.aio.service import Service
from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.stores.redis.worker_registry import Worker, WorkerRegistry

logger = logging.getLogger(__name__)

#: Seconds between announcements, and after which a silent worker is forgotten.
INTERVAL, TTL = 1.0, 5.0


class WorkerPresence(Service):
    """Announces one worker; ``workers`` is what was heard last of all of them."""

    def __init__(self, roster: WorkerRegistry, itself: Callable[[], Worker]) -> None:
        """``itself`` describes this worker as it is at the moment."""
        super().__init__()
        self.workers: Sequence[Worker] = ()
        self._roster = roster
        self._itself = itself
        self._changed = asyncio.Event()

    def changed(self) -> None:
        """Announce at once, because the worker's partitions are others now."""
        self._changed.set()

    def owner(self, partition: int) -> Worker | None:
        """Return the worker that has a partition of this worker's generation, None where nobody says so."""
        return next((worker for worker in self.mates() if partition in worker.partitions), None)

    def mates(self) -> Sequence[Worker]:
        """Return the workers of this worker's generation, itself among them."""
        mine = self._itself().generation
        return [worker for worker in self.workers if worker.generation == mine]

    async def on_stop(self) -> None:
        """Say that this worker stops."""
        with suppress(StoreUnavailable):
            await self._roster.withdraw(self._itself().name)

    @Service.task
    async def _announce(self) -> None:
        while not self.should_stop:
            try:
                await self._roster.announce(self._itself(), TTL)
                self.workers = await self._roster.workers()
            except StoreUnavailable as exc:
                logger.debug("presence_unknown reason=%s", exc)
            with suppress(TimeoutError):
                async with asyncio.timeout(INTERVAL):
                    await self._changed.wait()
            self._changed.clear()
