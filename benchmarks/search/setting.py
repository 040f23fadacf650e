"""What the scenes find: a platform, a search engine of its own, an indexer and a worker that search with it."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Final

import psutil

from benchmarks.client import Client
from benchmarks.guests import Guest
from benchmarks.scenes import Platform, platform
from benchmarks.stage import Stage, free_ports
from microblog_streams.config.settings import PREFIX, Settings
from microblog_streams.local.opensearch import OpenSearch
from microblog_streams.local.options import load_local_settings
from microblog_streams.local.search import INDEXER
from microblog_streams.local.stack import Stack
from microblog_streams.search.engine import Engine
from microblog_streams.search.engine_index import EngineIndex

#: JVMs with both compilers, as in production; "start" is for a developer's machine.
TUNING: Final = "throughput"


@dataclass
class Setting:
    """A platform with a search. Worker and indexer are not started yet."""

    on: Platform
    engine_stack: Stack
    #: The engine's.
    url: str
    index: EngineIndex
    worker: Guest
    indexer: Guest
    client: Client
    quick: bool
    _cpu: dict[str, float] = field(default_factory=dict)

    def size(self, full: int, quick: int) -> int:
        """Return how many of something there are."""
        return quick if self.quick else full

    @property
    def engine(self) -> Engine:
        """The connection to the engine."""
        return self.index.engine

    @property
    def settings(self) -> Settings:
        """Settings that lead to the stores."""
        return self.on.stage.settings

    def pids(self) -> Mapping[str, int]:
        """Return the processes by their names; those that do not run are left out."""
        parts = {**self.on.stage.stack.parts, **self.engine_stack.parts}
        guests = {"worker": self.worker.child, "indexer": self.indexer.child}
        children = {**{name: part.child for name, part in parts.items()}, **guests}
        return {name: child.pid for name, child in children.items() if child and child.exit_status() is None}

    @property
    def engine_runs(self) -> bool:
        """Whether the engine's process is there."""
        return OpenSearch.name in self.pids()

    @contextmanager
    def spent(self) -> Iterator[dict[str, float]]:
        """Count the CPU seconds of every process within the block, and those of the clock ("seconds")."""
        used: dict[str, float] = {}
        begun, before = time.perf_counter(), cpu_seconds(self.pids())
        yield used
        used["seconds"] = time.perf_counter() - begun
        used.update({name: spent - before[name] for name, spent in cpu_seconds(self.pids()).items() if name in before})


def cpu_seconds(pids: Mapping[str, int]) -> dict[str, float]:
    """Return the CPU seconds of each process with its children, in user and in system mode."""
    return {name: sum(map(_cpu_of, _family(pid))) for name, pid in pids.items()}


def _family(pid: int) -> list[psutil.Process]:
    leader = psutil.Process(pid)
    return [leader, *leader.children(recursive=True)]


def _cpu_of(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:  # a connection of PostgreSQL that ended just now
        return 0.0
    return times.user + times.system


@asynccontextmanager
async def setting(stage: Stage) -> AsyncIterator[Setting]:
    """Start the engine; end guests and engine after the block."""
    options = load_local_settings()
    stack = Stack(stage.settings.data_dir / "search", options, parts=[OpenSearch], console=stage.console)
    await asyncio.to_thread(stack.start)
    try:
        url = stack.environment[f"{PREFIX}SEARCH_URL"]
        engine = Engine(Settings.model_validate({"search_url": url, "data_dir": stage.settings.data_dir}))
        async with platform(stage) as on:
            index = EngineIndex(engine, stage.settings.search_prefix)
            await engine.connect()
            try:
                await index.prepare()
                yield _setting(on, stack, index, url)
            finally:
                await engine.close()
    finally:
        await asyncio.to_thread(stack.stop)


def _setting(on: Platform, stack: Stack, index: EngineIndex, url: str) -> Setting:
    port = free_ports(2)
    common = {"SEARCH_URL": url}
    worker = Guest(on.stage, on.redis, port, {**common, "ROLES": "both", "RECONCILE_INTERVAL": "0"})
    indexer = Guest(on.stage, on.redis, port + 1, {**common, "WORKER": "search"}, INDEXER)
    quick = os.environ.get("QUICK") == "1"
    return Setting(on, stack, url, index, worker, indexer, Client(on.client.session, [worker.url]), quick)
