"""Announces this worker to the others, and keeps what they announce: which worker has which partitions."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress

from microblog_streams.aio.tasks import Service
from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.stores.redis.worker_registry import Worker, WorkerRegistry

logger = logging.getLogger(__name__)

#: Seconds between announcements, and after which a silent worker is forgotten.
ANNOUNCE_SECONDS, TTL_SECONDS = 1.0, 5.0


class WorkerPresence(Service):
    """Announces this worker; ``workers`` has what all workers announced last."""

    def __init__(self, registry: WorkerRegistry, itself: Callable[[], Worker]) -> None:
        """``itself`` returns what this worker announces."""
        super().__init__()
        self.workers: Sequence[Worker] = ()
        self._registry = registry
        self._itself = itself
        self._changed = asyncio.Event()

    def changed(self) -> None:
        """Announce at once, because this worker's partitions have changed."""
        self._changed.set()

    def owner(self, partition: int) -> Worker | None:
        """Return the worker that has a partition of this worker's topic set, None where no worker announced it."""
        return next((worker for worker in self.mates() if partition in worker.partitions), None)

    def mates(self) -> Sequence[Worker]:
        """Return the workers of this worker's topic set, itself among them."""
        mine = self._itself().generation
        return [worker for worker in self.workers if worker.generation == mine]

    async def on_stop(self) -> None:
        """Withdraw this worker from the registry."""
        with suppress(StoreUnavailable):
            await self._registry.withdraw(self._itself().name)

    @Service.task
    async def _announce(self) -> None:
        while not self.should_stop:
            try:
                await self._registry.announce(self._itself(), TTL_SECONDS)
                self.workers = await self._registry.workers()
            except StoreUnavailable as exc:
                logger.debug("presence_unknown reason=%s", exc)
            with suppress(TimeoutError):
                async with asyncio.timeout(ANNOUNCE_SECONDS):
                    await self._changed.wait()
            self._changed.clear()
