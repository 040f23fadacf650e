"""From POST to searchable: posts at a steady rate, and an observer who asks the index for them all the time.

Each post has the same hashtag, and the ids of the newest posts with it are asked for again and again; a post is there
once its id is. So a time is too long by up to one look. The texts are not read: on two cores a page of 100 posts over
REST, ten times a second, took more than everything that is measured.
"""

import asyncio
from dataclasses import dataclass, field
from time import perf_counter
from typing import Final

from benchmarks.bars import counter
from benchmarks.client import side_by_side
from benchmarks.figures import percentile
from benchmarks.report import Figures
from benchmarks.scenes import CLIENTS
from benchmarks.search.setting import Setting
from benchmarks.search.texts import Writer
from microblog_streams.search.index import PostFilter
from microblog_streams.search.query import parse

#: The warm-up is long enough for the JVMs' compilers to be done with what happens most.
RATE, SECONDS, QUICK_SECONDS, WARM_UP_SECONDS = 50.0, 40, 10, 30
AUTHORS: Final = 100
#: Seconds between two looks, and for which a post is waited for.
_LOOK, _DEADLINE = 0.1, 15.0
#: Ids of a look, besides those of the posts since the oldest that is not found yet: so no post passes by unseen.
_PAGE: Final = 50


@dataclass
class Watched:
    """The posts that are waited for, and when each was sent (``perf_counter``)."""

    at: Setting
    tag: str
    sent: dict[str, float] = field(default_factory=dict)
    #: Seconds from sending a post until it was found.
    found: dict[str, float] = field(default_factory=dict)
    looks: int = 0
    all_sent: bool = False

    async def post(self, author: int, text: str) -> None:
        """Write a post with the hashtag."""
        begun = perf_counter()
        item = await self.at.client.post(author, f"{text[:400]} #{self.tag}")
        self.sent[item.post_id] = begun

    async def look(self) -> None:
        """Search once, and note what is found for the first time."""
        limit = len(self.sent) - self._oldest_unfound() + _PAGE
        there = await self.at.index.newest(PostFilter(parse(f"#{self.tag}")), None, limit)
        now, self.looks = perf_counter(), self.looks + 1
        for ident in map(str, there):
            if ident in self.sent and ident not in self.found:
                self.found[ident] = now - self.sent[ident]

    def _oldest_unfound(self) -> int:
        """Return how many posts were sent before the first that is not found yet."""
        return next((place for place, ident in enumerate(self.sent) if ident not in self.found), len(self.sent))

    async def look_on(self) -> None:
        """Search again and again, until all is found that has been sent."""
        while not (self.all_sent and len(self.found) == len(self.sent)):
            await self.look()
            await asyncio.sleep(_LOOK)


async def measure(at: Setting) -> Figures:
    """Return p50 and p99 of the seconds until a post is found, and how many were not."""
    await _start(at)
    registered = await side_by_side(CLIENTS, lambda _: at.client.register(), range(AUTHORS), lambda: None)
    people = list(registered.values())
    await _posts(at, people, Watched(at, "warming"), WARM_UP_SECONDS)
    watched = Watched(at, "fresh")
    with at.spent() as spent:
        await _posts(at, people, watched, at.size(SECONDS, QUICK_SECONDS))
    times = list(watched.found.values())
    posts = len(watched.sent)
    return {
        "rate": RATE,
        "posts": posts,
        "found": len(times),
        "looks": watched.looks,
        "p50": percentile(times, 50),
        "p99": percentile(times, 99),
        "longest": max(times),
        "cpu ms a post": {name: used / posts * 1_000 for name, used in spent.items() if name != "seconds"},
    }


async def _start(at: Setting) -> None:
    await at.worker.join()
    await at.indexer.serve()


async def _posts(at: Setting, people: list[int], watched: Watched, seconds: int) -> None:
    """Post at the rate for so many seconds, and wait until all is found, or for the deadline."""
    writer, count = Writer(seed=4), round(RATE * seconds)
    looking = asyncio.create_task(watched.look_on())
    try:
        with counter(at.on.stage.console, f"posts, {RATE:g} a second", count) as one:
            begun = perf_counter()
            async with asyncio.TaskGroup() as group:
                for number in range(count):
                    await asyncio.sleep(begun + number / RATE - perf_counter())
                    group.create_task(watched.post(people[number % len(people)], writer.text()))
                    one()
        watched.all_sent = True
        await asyncio.wait([looking], timeout=_DEADLINE)
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
