"""Deliveries of a real graph: posts by authors drawn by their number of followers, as fast as they are taken.

The posts are stored as the API stores them, and then written into Kafka past it, all at once: what is measured is the
fan-out. What the API takes of posts is another scene's, and so much less that these would be its figures again.
"""

import asyncio
import json
import random
from time import perf_counter
from typing import Any, Final, cast

from benchmarks.bars import counter
from benchmarks.bench.rows import Row, Target
from benchmarks.bench.setting import Setting
from benchmarks.graph import Graph, read
from benchmarks.produced import entries, new_posts, publish_posts, store_posts
from benchmarks.scenes import GRAPH
from microblog_streams.stores.redis.timelines import key

#: Part of the people, posts a round, and the draw's seed.
FRACTION, QUICK_FRACTION, POSTS, SEED = 0.05, 0.002, 2_000, 2003
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
    imported = await at.on.load(read(GRAPH, fraction), fraction)
    graph = imported.graph
    await at.on.warm(graph.people)
    rates, ceilings = [], []
    with counter(at.on.stage.console, f"rounds of {at.size(POSTS, 200):,} posts", at.rounds + at.warm_up) as one:
        for number in range(at.rounds + at.warm_up):
            authors = _draw(graph, at.size(POSTS, 200), SEED + number)
            ceilings.append(await _ceiling(at, graph, authors))
            rates.append(await _round(at, graph, authors))
            one()
    what = f"deliveries, soc-Epinions1 ({len(graph.people):,} people, {graph.follows:,} follows)"
    edges = "edges of the graph imported, until all are in the followers table and acknowledged"
    return [
        Row(edges, "edges/s", [graph.follows / imported.applied], Target(least=2_000)),
        Row(
            what,
            "deliveries/s",
            rates[at.warm_up :],
            Target(ratio=0.5),
            "Redis alone, the same pushes",
            ceilings[at.warm_up :],
        ),
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
    events = new_posts(authors)
    await store_posts(at.on.stage.settings, at.on.redis, events)
    begun = perf_counter()
    await publish_posts(at.on.stage.settings, events)
    await _delivered(at, graph, authors, entries(events))
    return sum(len(graph.followers[author]) + 1 for author in authors) / (perf_counter() - begun)


async def _delivered(at: Setting, graph: Graph, authors: list[int], posts: list[bytes]) -> None:
    """Return when the last follower of each author, whom a fan-out reaches last, has the post."""
    keys = [key(max(graph.followers[author], default=author)) for author in authors]
    first = 1
    async with asyncio.timeout(_LOST):
        while first:
            keys, posts = keys[first - 1 :], posts[first - 1 :]
            first = await cast(Any, at.on.redis.client.eval_ro(_FIRST_WITHOUT, len(keys), *keys, *posts))
            await asyncio.sleep(_LOOK if first else 0)
