"""Deliveries of a real graph: posts by authors drawn by their number of followers, as fast as they are taken."""

import asyncio
import json
import random
from time import perf_counter
from typing import Any, Final, cast
from uuid import UUID

from benchmarks.bars import counter
from benchmarks.bench.rows import Row, Target
from benchmarks.bench.setting import Setting
from benchmarks.client import side_by_side
from benchmarks.expectation import Item
from benchmarks.graph import Graph, read
from benchmarks.scenes import GRAPH
from microblog_streams.ids import encode_entry
from microblog_streams.stores.timelines import key

#: Part of the people, posts a round, clients that write them, and the draw's seed.
FRACTION, QUICK_FRACTION, POSTS, CLIENTS, SEED = 0.1, 0.002, 2_000, 64, 2003
#: Seconds between looks, and until the last post must be delivered.
_LOOK, _LOST = 0.02, 600.0
#: Of keys and entries in pairs, the place of the first whose timeline neither has its entry nor is past it; 0: none.
_FIRST_WITHOUT: Final = """
for at = 1, #KEYS do
  local tail = redis.call('LINDEX', KEYS[at], -1)
  local past = tail and #tail == #ARGV[at] and tail > ARGV[at]
  if not past and not redis.call('LPOS', KEYS[at], ARGV[at]) then return at end
end
return 0
"""


async def measure(at: Setting) -> list[Row]:
    """Return deliveries a second beside what Redis alone takes of the same ones."""
    fraction = FRACTION if not at.quick else QUICK_FRACTION
    graph = (await at.on.load(read(GRAPH, fraction), fraction)).graph
    await at.on.warm(graph.people)
    rates, ceilings = [], []
    with counter(at.on.stage.console, f"rounds of {at.size(POSTS, 200):,} posts", at.rounds + at.warm_up) as one:
        for number in range(at.rounds + at.warm_up):
            authors = _draw(graph, at.size(POSTS, 200), SEED + number)
            ceilings.append(await _ceiling(at, graph, authors))
            rates.append(await _round(at, graph, authors))
            one()
    what = f"deliveries, soc-Epinions1 ({len(graph.people):,} people, {graph.follows:,} follows)"
    return [
        Row(
            what,
            "deliveries/s",
            rates[at.warm_up :],
            Target(ratio=0.5),
            "Redis alone, the same pushes",
            ceilings[at.warm_up :],
        )
    ]


def _draw(graph: Graph, count: int, seed: int) -> list[int]:
    weights = [len(graph.followers[person]) for person in graph.people]
    return random.Random(seed).choices(graph.people, weights, k=count)  # noqa: S311 - can be repeated, no secret


async def _ceiling(at: Setting, graph: Graph, authors: list[int]) -> float:
    file = at.on.stage.settings.data_dir / "receivers.json"
    posts = [[author, *sorted(graph.followers[author])] for author in authors]
    await asyncio.to_thread(file.write_text, json.dumps(posts), encoding="utf-8")
    return float((await at.ceiling("deliveries", file))["rate"])


async def _round(at: Setting, graph: Graph, authors: list[int]) -> float:
    begun = perf_counter()
    places = iter(authors)
    posts = await side_by_side(CLIENTS, lambda _: at.client.post(next(places), "news"), range(len(authors)), _nothing)
    await _delivered(at, graph, list(posts.values()))
    return sum(len(graph.followers[author]) + 1 for author in authors) / (perf_counter() - begun)


async def _delivered(at: Setting, graph: Graph, posts: list[Item]) -> None:
    """Return when the last follower of each author, whom a fan-out reaches last, has the post."""
    keys = [key(max(graph.followers[post.author], default=post.author)) for post in posts]
    entries = [encode_entry(UUID(post.post_id), post.author) for post in posts]
    first = 1
    async with asyncio.timeout(_LOST):
        while first:
            keys, entries = keys[first - 1 :], entries[first - 1 :]
            first = await cast(Any, at.on.redis.client.eval_ro(_FIRST_WITHOUT, len(keys), *keys, *entries))
            await asyncio.sleep(_LOOK if first else 0)


def _nothing() -> None:
    """Show no progress of single posts."""
