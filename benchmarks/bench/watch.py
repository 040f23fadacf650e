"""Many people's timelines watched for one entry each, by one call a look: who waits for 200 must not ask 200 times.

A look takes place every 2 ms, so a time that is measured by it can be too long by that, and by the look itself.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, cast

from microblog_streams.stores.redis import Redis
from microblog_streams.stores.timelines import key

_LOOK: Final = 0.002
#: Of keys and entries in pairs, the places of those that are there.
_THERE: Final = """
local there = {}
for at = 1, #KEYS do
  if redis.call('LPOS', KEYS[at], ARGV[at]) then there[#there + 1] = at end
end
return there
"""


@dataclass
class Watch:
    """Those who wait: a person, the entry, and what is told when it is there."""

    redis: Redis
    waiting: dict[int, tuple[bytes, asyncio.Event]] = field(default_factory=dict)

    async def until_there(self, person: int, entry: bytes) -> None:
        """Return when the entry is on the person's timeline."""
        arrived = asyncio.Event()
        self.waiting[person] = entry, arrived
        await arrived.wait()

    async def look(self) -> None:
        """Look, again and again, and tell those who wait."""
        while True:
            await asyncio.sleep(_LOOK)
            if people := list(self.waiting):
                keys, entries = [key(person) for person in people], [self.waiting[person][0] for person in people]
                there = await cast(Any, self.redis.client).eval_ro(_THERE, len(keys), *keys, *entries)
                for place in there:
                    self.waiting.pop(people[place - 1])[1].set()


@asynccontextmanager
async def watch(redis: Redis) -> AsyncIterator[Watch]:
    """Watch inside the block."""
    watching = Watch(redis)
    looking = asyncio.create_task(watching.look())
    try:
        yield watching
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
