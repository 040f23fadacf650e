"""Identity: user ids, post ids, and the bytes that they are in keys and timelines.

A user id is PostgreSQL's ``bigint``; in keys it is 8 bytes big-endian, so that byte order is numeric order.
A post id is a UUIDv7: time-ordered, made without coordination, 16 raw bytes in keys. A timeline entry is both:
post id, then author, 24 bytes, and entries sort as their post ids do. Timelines are ordered by id: that is the promise.
"""

import struct
import threading
from datetime import UTC, datetime
from functools import lru_cache
from uuid import UUID

import uuid_utils

#: Largest user id: PostgreSQL's bigint.
MAX_USER_ID = 2**63 - 1
#: Bytes of a user id, a post id and a timeline entry.
USER_BYTES, POST_BYTES, ENTRY_BYTES = 8, 16, 24

#: Entries whose post ids are kept.
KEPT = 4_096

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

    Also when the clock steps back: then the last id is counted on by one (RFC 9562, section 6.2).
    The carry can reach the version's digits only after 2^62 ids within one step, so it is not handled.
    """
    global _last
    with _lock:
        _last = max(_last + 1, uuid_utils.uuid7().int)
        return UUID(int=_last)


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
