"""Many people's timelines watched for one entry each, by one call a look: who waits for 200 must not ask 200 times.

It polls every 2 ms while there are waiters, so a measured time can be too long by that, and by the poll itself.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, cast

from microblog_streams.stores.redis.connection import Redis
from microblog_streams.stores.redis.timelines import key

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
    """Those who wait: a person and an entry, and what is told when it is there."""

    redis: Redis
    waiting: dict[tuple[int, bytes], asyncio.Event] = field(default_factory=dict)
    _has_waiters: asyncio.Event = field(default_factory=asyncio.Event)

    async def until_there(self, person: int, entry: bytes) -> None:
        """Return when the entry is on the person's timeline."""
        arrived = self.waiting[person, entry] = asyncio.Event()
        self._has_waiters.set()
        await arrived.wait()

    async def look(self) -> None:
        """Poll while there are waiters, and wake those whose entry is there."""
        while True:
            await self._has_waiters.wait()
            pairs = list(self.waiting)
            for place in await self._there(pairs):
                self.waiting.pop(pairs[place - 1]).set()
            if not self.waiting:
                self._has_waiters.clear()
            await asyncio.sleep(_LOOK)

    async def _there(self, pairs: list[tuple[int, bytes]]) -> list[int]:
        keys, entries = [key(person) for person, _ in pairs], [entry for _, entry in pairs]
        return cast(list[int], await cast(Any, self.redis.client).eval_ro(_THERE, len(keys), *keys, *entries))


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
