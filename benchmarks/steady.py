"""Somebody who posts at a steady rate, whatever happens, and how long each post takes until all followers have it.

A post is sent when its time has come, also where earlier ones have not arrived: who waits for them sends fewest when
it is slowest, and finds everything fast. Times are counted from then.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Final, cast
from uuid import UUID

from benchmarks.client import Client
from microblog_streams.ids import encode_entry
from microblog_streams.stores.redis import Redis
from microblog_streams.stores.timelines import key

#: Seconds between posts unless said otherwise, between looks at the timelines, and until a post is given up.
EVERY: Final = 0.05
LOOK: Final = 0.001
LOST: Final = 60.0
#: Returns 1 where all timelines have the entry.
_ALL_HAVE: Final = """
for _, key in ipairs(KEYS) do
  if not redis.call('LPOS', key, ARGV[1]) then return 0 end
end
return 1
"""


@dataclass(frozen=True)
class Steady:
    """An author with followers whose timelines are kept."""

    client: Client
    redis: Redis
    author: int
    followers: Sequence[int]
    #: Seconds between posts.
    every: float = EVERY

    async def posts(self, seconds: float) -> list[float]:
        """Post for so many seconds; return the seconds that each post took. Raises TimeoutError in a group."""
        begun = perf_counter()
        async with asyncio.TaskGroup() as group:
            due = [begun + number * self.every for number in range(round(seconds / self.every))]
            posts = [group.create_task(self._post(at)) for at in due]
        return [post.result() for post in posts]

    async def _post(self, due: float) -> float:
        await asyncio.sleep(due - perf_counter())
        item = await self.client.post(self.author, "steady")
        async with asyncio.timeout(LOST):
            await self._arrived(encode_entry(UUID(item.post_id), self.author))
        return perf_counter() - due

    async def _arrived(self, entry: bytes) -> None:
        keys = [key(follower) for follower in self.followers]
        while True:
            if await cast(Any, self.redis.client.eval_ro(_ALL_HAVE, len(keys), *keys, entry)):
                return
            await asyncio.sleep(LOOK)
