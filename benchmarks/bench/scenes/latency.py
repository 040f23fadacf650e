"""How long a post takes from being sent until all followers can read it, while 50 posts a second arrive."""

import asyncio
from typing import Final

from benchmarks.bars import counter
from benchmarks.bench.rows import Row, Target
from benchmarks.bench.setting import Setting
from benchmarks.client import side_by_side
from benchmarks.figures import percentile
from benchmarks.steady import Steady

AUTHORS, FOLLOWERS = 10, 100
#: Posts a second of each author: 50 in all.
EACH: Final = 5.0


async def measure(at: Setting) -> list[Row]:
    """Return the middle and the slowest hundredth of the posts, a round each."""
    authors = [await _author(at) for _ in range(at.size(AUTHORS, 2))]
    middles, slowest = [], []
    with counter(at.on.stage.console, "rounds of 50 posts a second", at.rounds + at.warm_up) as one:
        for _ in range(at.rounds + at.warm_up):
            times = await asyncio.gather(*(author.posts(at.seconds) for author in authors))
            together = [seconds * 1000 for each in times for seconds in each]
            middles.append(percentile(together, 50))
            slowest.append(percentile(together, 99))
            one()
    what = f"POST sent to readable by all of {FOLLOWERS} followers, {len(authors) * EACH:.0f} posts/s"
    return [
        Row(f"{what}: p50", "ms", middles[at.warm_up :], Target(most=20)),
        Row(f"{what}: p99", "ms", slowest[at.warm_up :], Target(most=80)),
    ]


async def _author(at: Setting) -> Steady:
    author = await at.client.register()
    followers = await asyncio.gather(*(at.client.register() for _ in range(FOLLOWERS)))
    await side_by_side(16, lambda follower: at.client.follow(follower, author), followers, lambda: None)
    return Steady(at.client, at.on.redis, author, followers, every=1 / EACH)
