"""What every scene finds: a platform, the one worker that is measured, and how long to take over it."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.aside import aside
from benchmarks.client import Client
from benchmarks.crowd import Crowd
from benchmarks.guests import Guest
from benchmarks.scenes import Platform, platform
from benchmarks.stage import Stage, free_ports
from microblog_streams.delivery.faust_patches.router import partition_of
from microblog_streams.domain.ids import encode_user

#: Clients of a load, each with one call at a time.
CLIENTS: Final = 32


@dataclass(frozen=True)
class Setting:
    """A platform with one worker, which can be stopped and started while the scene is set."""

    on: Platform
    worker: Guest
    client: Client
    quick: bool

    @property
    def rounds(self) -> int:
        """How often each thing is measured."""
        return 1 if self.quick else 3

    @property
    def warm_up(self) -> int:
        """Rounds before those, whose figures are thrown away."""
        return 0 if self.quick else 1

    @property
    def seconds(self) -> float:
        """Seconds of a round of load."""
        return 1.0 if self.quick else 8.0

    def size(self, full: int, quick: int) -> int:
        """Return how many of something there are."""
        return quick if self.quick else full

    async def aside(self, module: str, *arguments: object, seconds: float | None = None) -> dict[str, Any]:
        """Run a process on this stack; see ``aside``."""
        data = self.on.stage.settings.data_dir
        return await aside(module, *arguments, data=data, seconds=seconds or self.seconds)

    async def load(self, call: str, url: str, people: Path, rate: float = 0.0) -> dict[str, Any]:
        """Put a load on a server, from a process of its own: as much as it takes, or so many calls a second."""
        options = ["--people", people, "--clients", CLIENTS, "--seconds", self.seconds, "--rate", rate]
        return await self.aside("benchmarks.load", call, url, *options)

    async def ceiling(self, name: str, *arguments: object) -> dict[str, Any]:
        """Measure a ceiling."""
        return await self.aside(f"benchmarks.bench.ceilings.{name}", *arguments, seconds=60.0)

    @property
    def pid(self) -> int:
        """The worker's process."""
        assert self.worker.child
        return self.worker.child.pid

    def partition(self, author: int) -> int:
        """Return the partition of an author."""
        return partition_of(encode_user(author), self.on.stage.settings.partitions)

    async def follow(self, *crowds: Crowd) -> None:
        """Give each crowd's author their followers, while the worker is away."""
        await self.worker.leave(signal.SIGTERM)
        folder = self.on.stage.settings.data_dir / "workers" / self.worker.name
        for crowd in crowds:
            await asyncio.to_thread(crowd.follow, folder, self.partition(crowd.author))
        await self.worker.join()

    async def gather(self, crowd: Crowd) -> None:
        """Give an author a crowd of followers, all of whose timelines are kept."""
        await crowd.keep(self.on.redis)
        await self.follow(crowd)


@asynccontextmanager
async def setting(stage: Stage) -> AsyncIterator[Setting]:
    """Start the worker that is measured; the stage's own serves no requests."""
    async with platform(stage) as on:
        await on.redis.client.config_set("maxmemory", "6gb")
        worker = guest(on)
        await worker.join()
        yield Setting(on, worker, Client(on.client.session, [worker.url]), os.environ.get("QUICK") == "1")


def guest(on: Platform, roles: str = "both") -> Guest:
    """Return a worker as it is measured, not started yet."""
    # Entries are pushed to people without followees: the reconciler would rightly remove them again.
    return Guest(on.stage, on.redis, free_ports(1), {"ROLES": roles, "RECONCILE_INTERVAL": "0"})
