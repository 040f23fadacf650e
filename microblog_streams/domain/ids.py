"""Identity: user ids, post ids, and the bytes that they are in keys and timelines.

A user id is PostgreSQL's ``bigint``; in keys it is 8 bytes big-endian, so that byte order is numeric order.
A post id is a UUIDv7: time-ordered, made without coordination, 16 raw bytes in keys. A timeline entry is both:
post id, then author, 24 bytes, and entries sort as their post ids do. Timelines are ordered by id: that is the promise.
"""

import logging
import struct
import threading
from datetime import UTC, datetime
from functools import lru_cache
from time import time_ns
from uuid import UUID

import uuid_utils

#: Largest user id: PostgreSQL's bigint.
MAX_USER_ID = 2**63 - 1
#: Bytes of a user id, a post id and a timeline entry.
USER_BYTES, POST_BYTES, ENTRY_BYTES = 8, 16, 24

#: Entries whose post ids are kept.
KEPT = 4_096

#: Milliseconds by which new ids may be ahead of the clock after it was set back.
MOST_AHEAD_MS = 60_000

logger = logging.getLogger(__name__)

_user = struct.Struct(">Q")
_lock = threading.Lock()
_last = 0


def encode_user(user: int) -> bytes:
    """Return the 8 bytes of a user id, in numeric order."""
    return _user.pack(user)


def decode_user(raw: bytes) -> int:
    """Return the user id in 8 bytes; ``struct.error`` for any other length."""
    return int(_user.unpack(raw)[0])


def new_post_id() -> UUID:
    """Return a UUIDv7 that is greater than every one made before in this process.

    Also when the clock steps back: then the last id is counted on by one (RFC 9562, section 6.2). But by no more than
    ``MOST_AHEAD_MS``: a clock that was an hour fast for a moment would have all posts of this process stand above
    everybody's for an hour. Ids begin anew at the clock's time then, below those of the time that was none.
    The carry can reach the version's digits only after 2^62 ids within one step, so it is not handled.
    """
    global _last
    with _lock:
        now = time_ns()
        following = max(_last + 1, uuid_utils.uuid7().int)
        if _ahead(following, now) > MOST_AHEAD_MS:
            following = _of_the_clock(now)
        _last = following
        return UUID(int=following)


def _of_the_clock(now: int) -> int:
    """Return an id of this time (ns), which may be below the last one: the library's own may be ahead for as long."""
    fresh: int = uuid_utils.uuid7(nanoseconds=now).int
    ahead = _ahead(_last, now)
    if ahead <= MOST_AHEAD_MS:
        return max(_last + 1, fresh)
    logger.warning("ids_follow_the_clock_back seconds=%.0f", ahead / 1_000)
    return fresh


def _ahead(post_id: int, now: int) -> int:
    """Return by how many milliseconds an id is ahead of a time (ns)."""
    return (post_id >> 80) - now // 1_000_000


def post_millis(post_id: UUID) -> int:
    """Return the Unix time in milliseconds that is in a post id: its first 48 bits."""
    return post_id.int >> 80


def post_time(post_id: UUID) -> datetime:
    """Return the time of a post id, in UTC, to the millisecond."""
    return datetime.fromtimestamp(post_millis(post_id) / 1000, UTC)


def is_post_id(value: UUID) -> bool:
    """Tell whether a UUID can be a post's: version 7 only, since others do not sort by time."""
    return value.version == 7


def encode_entry(post_id: UUID, author: int) -> bytes:
    """Return the 24 bytes of a timeline entry."""
    return post_id.bytes + encode_user(author)


@lru_cache(KEPT)
def entry_post_id(entry: bytes) -> UUID:
    """Return the post id of an entry. The same posts are on many timelines, and a UUID takes 1 us to make."""
    return UUID(bytes=entry[:POST_BYTES])


def entry_author(entry: bytes) -> int:
    """Return the author of an entry."""
    return decode_user(entry[POST_BYTES:])
