"""User ids, post ids and timeline entries, and their encoding as bytes.

A user id is a ``bigint`` of PostgreSQL; in keys it is 8 bytes big-endian, so that byte order is numeric order.
A post id is a UUIDv7: ordered by time, made without coordination, 16 raw bytes in keys. A timeline entry is 24 bytes,
the post id and then the author, so entries sort by post id. Timelines are ordered by post id, not by arrival.
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
#: Stands for the public timeline where a timeline is named by its user: no user has this id.
PUBLIC = 0
#: Bytes of a user id, a post id and a timeline entry.
USER_BYTES, POST_BYTES, ENTRY_BYTES = 8, 16, 24

#: Entries whose decoded post ids are cached.
CACHED_ENTRIES = 4_096

#: Milliseconds by which new ids may be ahead of the clock after the clock was set back.
MAX_AHEAD_MS = 60_000

logger = logging.getLogger(__name__)

_user = struct.Struct(">Q")
_lock = threading.Lock()
_last = 0
_steps_back = 0


def clock_steps_back() -> int:
    """Return how often this process made ids below its last ones, because the clock was set back."""
    return _steps_back


def encode_user(user: int) -> bytes:
    """Return the 8 bytes of a user id, in numeric order."""
    return _user.pack(user)


def decode_user(raw: bytes) -> int:
    """Return the user id in 8 bytes; ``struct.error`` for any other length."""
    return int(_user.unpack(raw)[0])


def new_post_id() -> UUID:
    """Return a UUIDv7 that is greater than all that this process made before.

    If the clock steps back, the last id is incremented by one (RFC 9562, section 6.2), but ids never get further ahead
    of the clock than ``MAX_AHEAD_MS``: after a clock that was an hour fast for a moment, all posts of this process
    would stand above those of all others for an hour. Ids then start again at the clock's time, below the last ones.
    An increment reaches the version's digits only after 2^62 ids within one step, so that is not handled.
    """
    global _last
    with _lock:
        now = time_ns()
        candidate = max(_last + 1, uuid_utils.uuid7().int)
        if _ahead_ms(candidate, now) > MAX_AHEAD_MS:
            candidate = _at_clock(now)
        _last = candidate
        return UUID(int=candidate)


def _at_clock(now: int) -> int:
    """Return an id of this time (ns), which may be below the last one. The library itself may be ahead as well."""
    fresh: int = uuid_utils.uuid7(nanoseconds=now).int
    global _steps_back
    ahead = _ahead_ms(_last, now)
    if ahead <= MAX_AHEAD_MS:
        return max(_last + 1, fresh)
    _steps_back += 1
    logger.warning("ids_follow_the_clock_back seconds=%.0f", ahead / 1_000)
    return fresh


def _ahead_ms(post_id: int, now: int) -> int:
    """Return how far an id is ahead of a time (ns)."""
    return (post_id >> 80) - now // 1_000_000


def post_millis(post_id: UUID) -> int:
    """Return the Unix time in milliseconds from a post id's first 48 bits."""
    return post_id.int >> 80


def post_time(post_id: UUID) -> datetime:
    """Return the time of a post id, in UTC, to the millisecond."""
    return datetime.fromtimestamp(post_millis(post_id) / 1000, UTC)


def is_post_id(value: UUID) -> bool:
    """Return whether a UUID can be a post id: version 7 only, since other versions do not sort by time."""
    return value.version == 7


def encode_entry(post_id: UUID, author: int) -> bytes:
    """Return the 24 bytes of a timeline entry."""
    return post_id.bytes + encode_user(author)


@lru_cache(CACHED_ENTRIES)
def entry_post_id(entry: bytes) -> UUID:
    """Return the post id of an entry. Cached: the same posts are on many timelines, and a UUID takes 1 us to make."""
    return UUID(bytes=entry[:POST_BYTES])


def entry_author(entry: bytes) -> int:
    """Return the author of an entry."""
    return decode_user(entry[POST_BYTES:])
