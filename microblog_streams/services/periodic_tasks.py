"""What every worker does at intervals and nothing waits for: clearing up, the loop's lag, its place among the workers.

``PeriodicTask`` runs about once a minute, at random times. Deleting expired rows is one: batch by batch, so that no
statement takes long or locks many rows. Workers skip rows that another one is deleting, and expired rows that are still
there count for nothing. ``LoopWatch`` measures how late the event loop is: requests, heartbeats and effects alike wait
for it. ``WorkerPresence`` announces this worker to the others, and keeps what they announce.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final

from microblog_streams.aio.failures import jittered
from microblog_streams.aio.tasks import Service
from microblog_streams.domain.errors import MicroblogError, StoreUnavailable
from microblog_streams.domain.measures import LOOP_SECONDS, Histogram
from microblog_streams.stores.redis.worker_registry import Worker, WorkerRegistry

logger = logging.getLogger(__name__)

#: Longest pause between two runs; the shortest is half of it.
LONGEST_PAUSE_SECONDS: Final = 60.0
#: Rows that one statement deletes.
BATCH_ROWS: Final = 1_000


class PeriodicTask(Service):
    """Repeats a task for as long as the worker runs."""

    def __init__(self, name: str, work: Callable[[], Awaitable[object]]) -> None:
        """``name`` is for the log. Work that raises is tried again after the next pause."""
        super().__init__()
        self._name = name
        self._work = work

    @Service.task
    async def _run(self) -> None:
        while not self.should_stop:
            try:
                await self._work()
            except MicroblogError as exc:
                logger.debug("chore_skipped name=%s reason=%s", self._name, exc)
            except Exception:
                # An exception would end the worker, and a task that is late does no harm.
                logger.exception("chore_failed name=%s", self._name)
            await self.sleep(jittered(LONGEST_PAUSE_SECONDS))


def sweeping(sweep: Callable[[int], Awaitable[int]]) -> Callable[[], Awaitable[None]]:
    """Return work that deletes all expired rows; ``sweep`` deletes up to a number of rows and returns how many."""

    async def sweep_all() -> None:
        while await sweep(BATCH_ROWS) == BATCH_ROWS:
            pass

    return sweep_all


#: Seconds between two looks.
LOOK_SECONDS: Final = 0.25


class LoopWatch(Service):
    """``lag``: by how many seconds the loop ran a task later than asked."""

    def __init__(self) -> None:
        """Start without a look."""
        super().__init__()
        self.lag = Histogram(LOOP_SECONDS)

    @Service.task
    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        while not self.should_stop:
            due = loop.time() + LOOK_SECONDS
            await asyncio.sleep(LOOK_SECONDS)
            self.lag.observe(max(0.0, loop.time() - due))


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
        try:
            await self._registry.withdraw(self._itself().name)
        except StoreUnavailable:
            pass
        except Exception as exc:
            logger.warning("presence_not_withdrawn reason=%r", exc)  # it expires

    @Service.task
    async def _announce(self) -> None:
        while not self.should_stop:
            try:
                await self._registry.announce(self._itself(), TTL_SECONDS)
                self.workers = await self._registry.workers()
            except StoreUnavailable as exc:
                logger.debug("presence_unknown reason=%s", exc)
            except Exception as exc:
                # An exception would end the worker, and all others at the same moment: they have the same login.
                logger.warning("presence_unknown reason=%r", exc)
            with suppress(TimeoutError):
                async with asyncio.timeout(ANNOUNCE_SECONDS):
                    await self._changed.wait()
            self._changed.clear()
