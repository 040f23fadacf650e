"""A worker beside those of the stage, that joins and leaves as a measurement wants it."""

import asyncio
import shutil
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import aiohttp

from benchmarks.stage import Stage
from microblog_streams.config.settings import PREFIX
from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.local.process import Child, worker_environment
from microblog_streams.local.workers import FAUST
from microblog_streams.stores.redis.connection import Redis
from microblog_streams.stores.redis.worker_registry import WorkerRegistry

#: Seconds between looks, and within which a worker must be there, or gone.
_POLL_SECONDS, _DEADLINE_SECONDS = 0.02, 120.0


@dataclass
class Guest:
    """One worker, by its web port."""

    stage: Stage
    redis: Redis
    port: int
    #: Settings by their names without prefix, over those of the stage.
    settings: dict[str, str] = field(default_factory=dict)
    #: The command line of the Faust app.
    faust: Sequence[str] = FAUST
    child: Child | None = None

    @property
    def name(self) -> str:
        """The worker's name."""
        return f"w{self.port}"

    @property
    def url(self) -> str:
        """Where it serves REST."""
        return f"http://127.0.0.1:{self.port}"

    async def join(self) -> tuple[float, float]:
        """Start it; return the seconds until it serves REST, and until it has partitions with their tables."""
        begun = time.perf_counter()
        await self.serve()
        ready = time.perf_counter() - begun
        await self.owns()
        return ready, time.perf_counter() - begun

    async def serve(self) -> None:
        """Start it; return when it serves REST."""
        self.start()
        await _until(self._serves)

    async def owns(self) -> None:
        """Return when it has partitions with their tables."""
        await _until(self._owns)

    def start(self) -> None:
        """Start its process."""
        own = {"WEB_PORT": str(self.port), "DATA_DIR": str(self.stage.settings.data_dir), **self.settings}
        environment = {**worker_environment(), **{f"{PREFIX}{name}": value for name, value in own.items()}}
        log = self.stage.settings.data_dir / "logs" / f"{self.name}.log"
        assert self.stage.stack.children
        self.child = self.stage.stack.children.start([*self.faust, "worker", "-l", "info"], log, environment)

    async def leave(self, number: signal.Signals) -> float:
        """End it by a signal; return the seconds until it is gone."""
        assert self.child
        begun = time.perf_counter()
        self.child.signal(number)
        await asyncio.wait_for(asyncio.to_thread(self.child.wait), _DEADLINE_SECONDS)
        return time.perf_counter() - begun

    def lose_tables(self) -> None:
        """Delete its folder, as with a disk that died."""
        shutil.rmtree(self.stage.settings.data_dir / "workers" / self.name)

    async def _serves(self) -> bool:
        try:
            async with aiohttp.request("GET", f"{self.url}/ready") as response:
                return response.status == 200
        except aiohttp.ClientError:
            return False

    async def _owns(self) -> bool:
        """Return whether it has partitions, by what it announces, and their tables, by its health."""
        try:
            workers = await WorkerRegistry(self.redis).workers()
        except StoreUnavailable:
            return False
        if not any(worker.name == self.name and worker.partitions for worker in workers):
            return False
        async with aiohttp.request("GET", f"{self.url}/health") as response:
            return bool((await response.json())["tables"]["recovered"])


async def _until(there: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(_DEADLINE_SECONDS):
        while True:
            if await there():
                return
            await asyncio.sleep(_POLL_SECONDS)
