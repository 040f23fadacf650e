"""The steps that demo and measurements share: import the graph, warm timelines, post and wait for its arrival."""

import re
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.applied import group, until_applied
from benchmarks.arrival import until_arrived
from benchmarks.bars import bar, counter
from benchmarks.client import Client, client, side_by_side
from benchmarks.expectation import Item
from benchmarks.graph import Graph
from benchmarks.stage import Stage
from benchmarks.watch import Watch, watch
from microblog_streams.commands.import_graph import ImportResult, import_graph
from microblog_streams.domain.topics import POST_CREATED, USER_FOLLOW
from microblog_streams.stores.postgres.connection import Postgres
from microblog_streams.stores.redis.connection import Redis

GRAPH = Path(__file__).parent / "data" / "soc-epinions1.txt.gz"
#: Concurrent clients of the steps that are not measured.
CLIENTS = 64
#: The name that an imported person has; others may be there.
_NODE = re.compile("n[0-9]+")
#: Seconds after which a step is given up: applying all edges, and the way of posts to everyone.
APPLY, ARRIVE = 1_800.0, 60.0


@dataclass(frozen=True, slots=True)
class Imported:
    """An imported graph, in user ids, and the seconds that it took into PostgreSQL and until all was applied."""

    graph: Graph
    people: int
    follows: int
    stored: float
    applied: float


@dataclass(frozen=True)
class Platform:
    """A platform that runs: its stage, a client of it, its Redis, and who watches timelines there."""

    stage: Stage
    client: Client
    redis: Redis
    watch: Watch

    async def load(self, graph: Graph, fraction: float) -> Imported:
        """Import the graph with the system's own import, and wait until all of it is in the followers table."""
        begun = time.monotonic()
        result = await self._import(fraction)
        async with group(self.stage.settings) as workers:
            with bar(self.stage.console, "events applied", result.follows) as report:
                await until_applied(
                    workers, self.client, USER_FOLLOW, result.follows, APPLY, lambda done: report(done, result.follows)
                )
        applied = time.monotonic() - begun
        ids = {int(name[1:]): ident async for ident, name in self.client.people() if _NODE.fullmatch(name)}
        if set(ids) != set(graph.people):
            raise RuntimeError(f"{len(ids):,} people were imported, {len(graph.people):,} are in the file")
        return Imported(graph.renamed(ids), result.people, result.follows, result.seconds, applied)

    async def warm(self, people: Sequence[int]) -> float:
        """Read everybody's timeline, so that it is kept from now on. Return the seconds."""
        begun = time.monotonic()
        with counter(self.stage.console, "timelines made warm", len(people)) as one:
            await side_by_side(CLIENTS, self.client.warm, people, one)
        return time.monotonic() - begun

    async def post(self, author: int, content: str, receivers: Iterable[int]) -> tuple[Item, float]:
        """Post, and wait until all have it. Return the post, and the seconds from sending it to the last of them."""
        begun = time.perf_counter()
        item = await self.client.post(author, content)
        return item, await until_arrived(self.redis, item, sorted({*receivers, author}), ARRIVE) - begun

    async def post_at_once(self, authors: Sequence[int], content: str) -> Mapping[int, Item]:
        """Post as all authors side by side, and wait until all of it is delivered. Return the posts by author."""
        async with group(self.stage.settings) as workers:
            _, before = await workers.applied(POST_CREATED)
            with counter(self.stage.console, "posts side by side", len(authors)) as one:
                items = await side_by_side(CLIENTS, lambda author: self.client.post(author, content), authors, one)
                await until_applied(workers, self.client, POST_CREATED, before + len(items), ARRIVE, lambda _: None)
        return items

    async def timelines(self, people: Sequence[int]) -> Mapping[int, list[Item]]:
        """Read everybody's whole timeline over REST."""
        with counter(self.stage.console, "timelines read", len(people)) as one:
            return await side_by_side(CLIENTS, self.client.timeline, people, one)

    async def _import(self, fraction: float) -> ImportResult:
        postgres = Postgres(self.stage.settings)
        await postgres.connect()
        try:
            with bar(self.stage.console, "lines imported") as report:
                return await import_graph(postgres, GRAPH, fraction=fraction, progress=report)
        finally:
            await postgres.close()


@asynccontextmanager
async def platform(stage: Stage) -> AsyncIterator[Platform]:
    """Connect to what runs on a stage."""
    redis = Redis(stage.settings)
    await redis.connect()
    try:
        async with client(stage.urls) as rest, watch(redis) as watching:
            yield Platform(stage, rest, redis, watching)
    finally:
        await redis.close()
