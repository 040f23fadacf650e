"""An author who posts at a steady rate, whatever happens, and how long each post takes until all followers have it.

A post is sent when its time has come, also where earlier ones have not arrived: who waits for them sends fewest when
it is slowest, and finds everything fast. Times are counted from then.

Only the follower whom a fan-out reaches last is watched, and all posts that are on their way by one call a look: what
looks at every follower of every post loads the server as much as the fan-outs do, and measures itself.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Final, NamedTuple
from uuid import UUID

from benchmarks.client import Client
from benchmarks.watch import Watch
from microblog_streams.domain.ids import encode_entry

#: Seconds between posts unless said otherwise, and until a post is given up.
EVERY: Final = 0.05
LOST: Final = 60.0


class Times(NamedTuple):
    """Seconds from the time at which a post was due: until it was answered, and until all followers could read it."""

    answered: float
    readable: float


@dataclass(frozen=True)
class Steady:
    """An author with followers whose timelines are kept."""

    client: Client
    watch: Watch
    author: int
    followers: Sequence[int]
    #: Seconds between posts.
    every: float = EVERY

    async def posts(self, seconds: float) -> list[Times]:
        """Post for so many seconds; return the times of each post. Raises TimeoutError in a group."""
        begun = perf_counter()
        async with asyncio.TaskGroup() as group:
            due = [begun + number * self.every for number in range(round(seconds / self.every))]
            posts = [group.create_task(self._post(at)) for at in due]
        return [post.result() for post in posts]

    async def _post(self, due: float) -> Times:
        await asyncio.sleep(due - perf_counter())
        item = await self.client.post(self.author, "steady")
        answered = perf_counter() - due
        async with asyncio.timeout(LOST):
            await self.watch.until_there(max(self.followers), encode_entry(UUID(item.post_id), self.author))
        return Times(answered, perf_counter() - due)
