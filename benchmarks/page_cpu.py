"""The CPU time of a timeline's page without any I/O: from the entries and the caches' values to the response.

    python -m benchmarks.page_cpu [--posts 100] [--rounds 5]

Redis is a dictionary, whose answers are fresh bytes, as a client's are. Prints microseconds of CPU: of a page, and of a
post on it. What is missing of a request: HTTP, middlewares, Redis and its client.
"""

import argparse
import asyncio
import random
import time
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, Final, cast
from uuid import UUID

from aiohttp.test_utils import make_mocked_request
from aiohttp.web import Request, Response

from benchmarks.load import CONTENT
from microblog_streams import operations
from microblog_streams.domain.ids import encode_entry, new_post_id
from microblog_streams.operations.timelines.read import Timelines
from microblog_streams.ports import TimelinePage, TimelineState
from microblog_streams.stores.redis.caches import PageCache
from web.api.timelines import respond

OWNER: Final = 1
AUTHORS, POSTS = 50, 2_000
PAGES: Final = 300


class RedisInMemory:
    """The reads of ``stores.redis.connection.Redis`` that a page takes."""

    def __init__(self) -> None:
        """Cache ``AUTHORS`` users and ``POSTS`` posts."""
        authors = range(OWNER, OWNER + AUTHORS)
        name = '{"username":"author number %d","created_at":"2026-02-03T04:05:06.789012Z"}'
        body = '{"author":%d,"content":"%s","written":true}'
        self._values = {f"user:{author}".encode(): (name % author).encode() for author in authors}
        self.entries = [encode_entry(new_post_id(), random.choice(authors)) for _ in range(POSTS)]  # noqa: S311 - no secret
        for entry in self.entries:
            key = f"post:{UUID(bytes=entry[:16])}".encode()
            self._values[key] = (body % (int.from_bytes(entry[16:], "big"), CONTENT)).encode()

    async def get_many(self, keys: Sequence[str | bytes]) -> list[bytes]:
        """Return the values, in objects of their own."""
        found = [self._values[key if isinstance(key, bytes) else key.encode()] for key in keys]
        return [bytes(bytearray(value)) for value in found]

    async def older(self, user: int, before: UUID | None, limit: int) -> TimelinePage:
        """Return a random part of the entries, as the timeline store does."""
        begin = random.randrange(POSTS - limit)  # noqa: S311 - no secret
        part = [bytes(bytearray(entry)) for entry in self.entries[begin : begin + limit]]
        return TimelinePage(TimelineState.PARTIAL, part)


def timelines(redis: RedisInMemory) -> Timelines:
    """Return the operations of timelines on this Redis."""
    unused = cast(Any, SimpleNamespace(put=None))
    fields = dict.fromkeys(operations.Stores.__dataclass_fields__, unused)
    stores = operations.Stores(**{**fields, "timelines": redis, "page_cache": PageCache(cast(Any, redis))})
    return operations.operations(stores).timelines


async def page(reader: Timelines, request: Request, posts: int) -> Response:
    """Do what the view does between reading the request and writing the response."""
    found = await reader.older(OWNER, None, posts)
    return respond(request, found.items, {"Link": "</timelines/1?cursor=abc>"})


async def measure(posts: int, rounds: int) -> list[float]:
    """Return the microseconds of CPU of a page, by rounds, after one that fills the caches."""
    redis = RedisInMemory()
    reader, request = timelines(redis), make_mocked_request("GET", "/timelines/1")
    figures = []
    for _ in range(rounds + 1):
        begun = time.process_time()
        for _ in range(PAGES):
            await page(reader, request, posts)
        figures.append((time.process_time() - begun) / PAGES * 1e6)
    return figures[1:]


async def bare(posts: int) -> float:
    """Return the microseconds that the dictionary takes for the values of a page, which are no part of a worker's."""
    redis = RedisInMemory()
    bodies = [f"post:{UUID(bytes=entry[:16])}" for entry in redis.entries[:posts]]
    keys = [*bodies, *[f"user:{OWNER + number}" for number in range(AUTHORS)]]
    begun = time.process_time()
    for _ in range(PAGES):
        await redis.older(OWNER, None, posts)
        await redis.get_many(keys)
    return (time.process_time() - begun) / PAGES * 1e6


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page_cpu")
    parser.add_argument("--posts", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    figures = asyncio.run(measure(arguments.posts, arguments.rounds))
    best = min(figures) - asyncio.run(bare(arguments.posts))
    each = best / arguments.posts
    print(f"{arguments.posts} posts: {best:.0f} us a page, {each:.2f} us a post (best of {len(figures)} rounds)")


if __name__ == "__main__":
    main()
