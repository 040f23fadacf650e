"""The keys of timelines, on one server and on a Redis Cluster, where the keys of a call must share a slot.

On a cluster a key carries the tag of its user's bucket, and a call holds keys of one bucket. Neighbours share a bucket:
a fan-out's followers come in the order of their ids, so the more of all users follow an author, the fuller its calls.

How many timelines are warm, without a look at all of Redis' keys: a number for people, not for decisions.

A server with few keys is counted. One with many is sampled: so many keys drawn at random, and the share of timelines
among them, times all keys. Of 400 keys the share is within 5 points 19 times out of 20.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from redis.asyncio import Redis as Client
from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot

from microblog_streams.stores.redis.connection import Redis
from microblog_streams.stores.redis.server import Server

#: What a timeline's key begins with, and no other key does.
PREFIX: Final = b"timeline:"
#: Buckets: what a cluster's servers share out among themselves, so far more than there are servers, of which the
#: fullest of three then has 22 and the others 21. More would make the calls of an author's few followers too many.
BUCKETS: Final = 64
#: Users whose ids follow on each other share a bucket: no fewer than one call pushes to.
NEIGHBOURS: Final = 512


class TimelineKeys(Protocol):
    """How timelines are named, and how the keys of many are shared out to calls."""

    def of(self, user: int) -> bytes:
        """Return the key of a user's timeline."""
        ...

    def calls(self, users: Sequence[int]) -> list[list[bytes]]:
        """Return the keys of these users' timelines, by the calls that may hold them; a call's are in their order."""
        ...


class SingleServerKeys:
    """Keys on one server, which takes any of them in a call."""

    def of(self, user: int) -> bytes:
        """Return the key."""
        return PREFIX + b"%d" % user

    def calls(self, users: Sequence[int]) -> list[list[bytes]]:
        """Return all keys as one call."""
        return [[PREFIX + b"%d" % user for user in users]]


class ClusterKeys:
    """Keys on a Redis Cluster."""

    def of(self, user: int) -> bytes:
        """Return the key."""
        return _TAGGED[user // NEIGHBOURS % BUCKETS] % user

    def calls(self, users: Sequence[int]) -> list[list[bytes]]:
        """Return a call for each bucket."""
        found = defaultdict(list)
        for user in users:
            bucket = user // NEIGHBOURS % BUCKETS
            found[bucket].append(_TAGGED[bucket] % user)
        return list(found.values())


def _tags() -> list[bytes]:
    """Return the buckets' tags: numbers that put one bucket into each of so many equal parts of the slots.

    Buckets that follow on each other lie 39 parts of 64 apart, the golden ratio: so any few of them in a row are on
    different servers, whatever the number of servers, and a fan-out keeps all of them at work.
    """
    parts: dict[int, bytes] = {}
    number = 0
    while len(parts) < BUCKETS:
        tag = b"%d" % number
        parts.setdefault(key_slot(tag) * BUCKETS // REDIS_CLUSTER_HASH_SLOTS, tag)
        number += 1
    return [parts[bucket * 39 % BUCKETS] for bucket in range(BUCKETS)]


_TAGGED: Final = [PREFIX + b"{" + tag + b"}:%d" for tag in _tags()]


#: Keys up to which all are looked at: two calls of SCAN, below a millisecond of the server's time each.
MAX_SCANNED_KEYS: Final = 2_000
#: Keys that are drawn where there are more.
SAMPLED_KEYS: Final = 400
_PER_CALL: Final = 1_000


@dataclass(frozen=True, slots=True)
class WarmCount:
    """How many timelines are warm; ``exact``, or estimated from ``looked_at`` keys."""

    timelines: int
    exact: bool
    looked_at: int


class TimelineCount:
    """Counts, or draws. Raises StoreUnavailable."""

    def __init__(self, redis: Redis, counted: int = MAX_SCANNED_KEYS) -> None:
        """Take the connection; ``counted`` is smaller only in tests."""
        self._redis = redis
        self._counted = counted

    async def warm(self) -> WarmCount:
        """Return how many timelines there are, as well as it can be told at a bounded cost."""
        async with self._redis.translated() as client:
            keys = int(await client.dbsize())
            if keys <= self._counted:
                return await _counted(client)
        drawn = await self._drawn()
        share = _timelines(drawn) / max(1, len(drawn))
        return WarmCount(round(share * keys), exact=False, looked_at=len(drawn))

    async def _drawn(self) -> list[bytes]:
        """Draw keys. A cluster's servers hold about as many each, and as many are drawn of each."""
        found = await self._redis.run_on_all(_draw)
        mixed = [key for drawn in zip(*found, strict=True) for key in drawn]
        return [key for key in mixed[:SAMPLED_KEYS] if key is not None]


async def _counted(client: Client) -> WarmCount:
    """Look at all keys. Keys that come meanwhile are few: the scan ends where the server had its last one."""
    found = {key async for key in client.scan_iter(count=_PER_CALL)}
    return WarmCount(_timelines(found), exact=True, looked_at=len(found))


async def _draw(server: Server) -> list[bytes | None]:
    return await server.together([("RANDOMKEY",)] * SAMPLED_KEYS)


def _timelines(keys: Iterable[bytes]) -> int:
    return sum(key.startswith(PREFIX) for key in keys)
