"""How many timelines are warm, without a look at all of Redis' keys: a number for people, not for decisions.

A server with few keys is counted. One with many is sampled: so many keys drawn at random, and the share of timelines
among them, times all keys. Of 400 keys the share is within 5 points 19 times out of 20.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from redis.asyncio import Redis as Client

from microblog_streams.stores.redis.connection import Redis
from microblog_streams.stores.redis.server import Server
from microblog_streams.stores.redis.timeline_keys import PREFIX

#: Keys up to which all are looked at: two calls of SCAN, below a millisecond of the server's time each.
COUNTED: Final = 2_000
#: Keys that are drawn where there are more.
DRAWN: Final = 400
_PER_CALL: Final = 1_000


@dataclass(frozen=True, slots=True)
class Warm:
    """How many timelines are warm; ``exact``, or estimated from ``looked_at`` keys."""

    timelines: int
    exact: bool
    looked_at: int


class TimelineCount:
    """Counts, or draws. Raises StoreUnavailable."""

    def __init__(self, redis: Redis, counted: int = COUNTED) -> None:
        """Take the connection; ``counted`` is smaller only in tests."""
        self._redis = redis
        self._counted = counted

    async def warm(self) -> Warm:
        """Return how many timelines there are, as well as it can be told at a bounded cost."""
        async with self._redis.translated() as client:
            keys = int(await client.dbsize())
            if keys <= self._counted:
                return await _counted(client)
        drawn = await self._drawn()
        share = _timelines(drawn) / max(1, len(drawn))
        return Warm(round(share * keys), exact=False, looked_at=len(drawn))

    async def _drawn(self) -> list[bytes]:
        """Draw keys. A cluster's servers hold about as many each, and as many are drawn of each."""
        found = await self._redis.ask_all(_draw)
        mixed = [key for drawn in zip(*found, strict=True) for key in drawn]
        return [key for key in mixed[:DRAWN] if key is not None]


async def _counted(client: Client) -> Warm:
    """Look at all keys. Keys that come meanwhile are few: the scan ends where the server had its last one."""
    found = {key async for key in client.scan_iter(count=_PER_CALL)}
    return Warm(_timelines(found), exact=True, looked_at=len(found))


async def _draw(server: Server) -> list[bytes | None]:
    return await server.together([("RANDOMKEY",)] * DRAWN)


def _timelines(keys: Iterable[bytes]) -> int:
    return sum(key.startswith(PREFIX) for key in keys)
