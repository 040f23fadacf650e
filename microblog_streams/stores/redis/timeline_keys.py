"""The keys of timelines, on one server and on a Redis Cluster, where the keys of a call must share a slot.

On a cluster a key carries the tag of its user's bucket, and a call holds keys of one bucket. Neighbours share a bucket:
a fan-out's followers come in the order of their ids, so the more of all users follow an author, the fuller its calls.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final, Protocol

from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot

#: What a timeline's key begins with, and no other key does.
PREFIX: Final = b"timeline:"
#: Buckets: what a cluster's servers share out among themselves, so far more than there are servers, of which the
#: fullest of three then has 22 and the others 21. More would make the calls of an author's few followers too many.
BUCKETS: Final = 64
#: Users whose ids follow on each other share a bucket: no fewer than one call pushes to.
NEIGHBOURS: Final = 512


class Keys(Protocol):
    """How timelines are named, and how the keys of many are shared out to calls."""

    def of(self, user: int) -> bytes:
        """Return the key of a user's timeline."""
        ...

    def calls(self, users: Sequence[int]) -> list[list[bytes]]:
        """Return the keys of these users' timelines, by the calls that may hold them; a call's are in their order."""
        ...


class Plain:
    """Keys on one server, which takes any of them in a call."""

    def of(self, user: int) -> bytes:
        """Return the key."""
        return PREFIX + b"%d" % user

    def calls(self, users: Sequence[int]) -> list[list[bytes]]:
        """Return all keys as one call."""
        return [[PREFIX + b"%d" % user for user in users]]


class Tagged:
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
