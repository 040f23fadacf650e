"""Keeps the deployment up to date, and restarts this worker when its topic set was replaced.

A worker runs in one topic set, which determines its group, topics and tables in Kafka. Where the deployment has moved
on, the worker finishes its events, as on SIGTERM, and its process starts again in the next topic set, without a
supervisor. The workers do so one after the other, in the order of their names, so that REST is always served.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from time import monotonic
from typing import Final

from microblog_streams.aio.tasks import Service
from microblog_streams.config.settings import Settings
from microblog_streams.domain.deployment import Deployment, Phase
from microblog_streams.domain.errors import MicroblogError, SetupError
from microblog_streams.services.worker_process import start_again
from microblog_streams.stores.redis.worker_registry import Worker

logger = logging.getLogger(__name__)

#: Seconds between two reads of the deployment.
CHECK_SECONDS: Final = 1.0
#: Seconds for which a worker waits for each one before it.
TURN_SECONDS: Final = 30.0


def choose_topic_set(settings: Settings, deployment: Deployment) -> int:
    """Return the topic set that a worker with these settings runs in. Raises SetupError where it is not open yet."""
    if settings.generation == "present":
        return deployment.generation
    if deployment.phase is Phase.COPYING:
        raise SetupError(
            "MICROBLOG_GENERATION=next: the next generation's table is being filled: start once grow-partitions says so"
        )
    return deployment.generations[-1]


class DeploymentWatch(Service):
    """``deployment`` is what was read last; ``mine`` is the topic set that this worker runs in."""

    def __init__(
        self,
        known: Deployment,
        mine: int,
        ask: Callable[[], Awaitable[Deployment]],
        remember: Callable[[Deployment], None],
        workers: Callable[[], Sequence[Worker]],
        name: str,
    ) -> None:
        """``ask`` reads the deployment, ``remember`` stores it for the next start, ``workers`` are those that run."""
        super().__init__()
        self.deployment = known
        self.mine = mine
        self._ask = ask
        self._remember = remember
        self._workers = workers
        self._name = name

    async def refresh(self) -> Deployment:
        """Read the deployment. Raises StoreUnavailable, SetupError."""
        seen = await self._ask()
        if seen != self.deployment:
            logger.info("deployment generation=%d partitions=%d phase=%s", seen.generation, seen.partitions, seen.phase)
            self.deployment = seen
            self._remember(seen)
        return seen

    @Service.task
    async def _watch(self) -> None:
        self._remember(self.deployment)
        while not self.should_stop:
            try:
                await self.refresh()
            except MicroblogError as exc:
                logger.debug("deployment_unknown reason=%s", exc)
            except Exception as exc:
                # An exception would end the worker, and all others at the same moment: they read the same row.
                logger.warning("deployment_unknown reason=%r", exc)
            if self.mine not in self.deployment.open_generations:
                await self._move()
            await self.sleep(CHECK_SECONDS)

    async def _move(self) -> None:
        await self._turn()
        if not self.should_stop:
            logger.warning("generation_over mine=%d present=%d", self.mine, self.deployment.generation)
            start_again()
            await asyncio.Event().wait()

    async def _turn(self) -> None:
        """Wait until the workers with smaller names run in the present topic set, or their time is over."""
        before = [worker for worker in self._workers() if worker.name < self._name]
        deadline = monotonic() + TURN_SECONDS * len(before)
        while not self.should_stop and monotonic() < deadline and not self._moved(before):
            await self.sleep(CHECK_SECONDS)

    def _moved(self, workers: Sequence[Worker]) -> bool:
        """Return whether they have moved. They announce themselves at their start, so one must have partitions too."""
        present = {worker.name: worker for worker in self._workers() if worker.generation == self.deployment.generation}
        there = [present[worker.name] for worker in workers if worker.name in present]
        members = [worker for worker in there if worker.roles != "web"]
        return len(there) == len(workers) and (not members or any(worker.partitions for worker in members))
