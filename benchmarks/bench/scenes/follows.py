"""From a follow until the followee's posts are on the follower's timeline, 200 times a second."""

import asyncio
from time import perf_counter
from typing import Final
from uuid import UUID

from benchmarks.bars import counter
from benchmarks.bench.rows import Row, Target
from benchmarks.bench.setting import Setting
from benchmarks.client import side_by_side
from benchmarks.figures import percentile
from microblog_streams.domain.ids import encode_entry

AUTHORS, POSTS = 16, 20
RATE: Final = 200.0
#: Seconds until a follow is given up.
_LOST: Final = 60.0

#: An author, and the entry of one of their posts.
Author = tuple[int, bytes]


async def measure(at: Setting) -> list[Row]:
    """Return the slowest hundredth of the follows, a round each."""
    authors = [await _author(at) for _ in range(AUTHORS)]
    slowest = []
    with counter(at.on.stage.console, f"rounds of {RATE:.0f} follows a second", at.rounds + at.warm_up) as one:
        for _ in range(at.rounds + at.warm_up):
            slowest.append(percentile(await _round(at, authors), 99) * 1000)
            one()
    return [Row(f"follow and visible backfill at {RATE:.0f}/s: p99", "ms", slowest[at.warm_up :], Target(most=150))]


async def _author(at: Setting) -> Author:
    author = await at.client.register()
    items = [await at.client.post(author, f"Post {number}") for number in range(POSTS)]
    return author, encode_entry(UUID(items[0].post_id), author)


async def _round(at: Setting, authors: list[Author]) -> list[float]:
    count = round(at.seconds * RATE)
    made = await side_by_side(32, lambda _: at.client.register(), range(count), lambda: None)
    begun = perf_counter()
    async with asyncio.TaskGroup() as group:
        follows = [
            group.create_task(_follow(at, begun + number / RATE, follower, authors[number % AUTHORS]))
            for number, follower in enumerate(made.values())
        ]
    return [follow.result() for follow in follows]


async def _follow(at: Setting, due: float, follower: int, author: Author) -> float:
    await asyncio.sleep(due - perf_counter())
    await at.client.follow(follower, author[0])
    async with asyncio.timeout(_LOST):
        await at.on.watch.until_there(follower, author[1])
    return perf_counter() - due
