"""Cursors: where a page goes on, as text that callers hand back unread.

Base64url of a kind, a position (a user's id or a post's) and a checksum over these and the user in the path: so a
cursor that was changed, or that belongs to another page, is told from a good one. It is no secret and no
permission: a position shows nothing that the page before did not.
"""

import zlib
from base64 import b64encode, urlsafe_b64decode
from binascii import Error
from enum import IntEnum
from typing import Final
from uuid import UUID

from microblog_streams.domain.errors import Invalid
from microblog_streams.domain.ids import MAX_USER_ID, POST_BYTES, USER_BYTES, decode_user, encode_user, is_post_id


class Kind(IntEnum):
    """The page that a cursor is for. A number is never given to another meaning."""

    USERS = 1
    FOLLOWERS = 2
    FOLLOWEES = 3
    POSTS = 4
    OLDER = 5
    NEWER = 6
    BLOCKS = 7
    #: Pages behind the admin token count from here.
    ROWS = 101


Position = int | UUID

_KIND_BYTES: Final = 1
_SUM_BYTES: Final = 4


def encode(kind: Kind, owner: int, position: Position) -> str:
    """Return the cursor of a page of ``owner`` (the user in the path, 0 where there is none)."""
    raw = encode_user(position) if isinstance(position, int) else position.bytes
    payload = bytes([kind]) + raw
    return _text(payload + _checksum(payload, owner))


def decode_user_position(text: str, kind: Kind, owner: int) -> int:
    """Return the user id that a page goes on from. Raises Invalid (``cursor``)."""
    _, raw = _decode(text, (kind,), owner)
    if len(raw) != USER_BYTES or (position := decode_user(raw)) > MAX_USER_ID:
        raise _invalid()
    return position


def decode_post_position(text: str, kinds: tuple[Kind, ...], owner: int) -> tuple[Kind, UUID]:
    """Return which of ``kinds`` it is, and the post id that the page goes on from. Raises Invalid (``cursor``)."""
    kind, raw = _decode(text, kinds, owner)
    if len(raw) != POST_BYTES or not is_post_id(position := UUID(bytes=raw)):
        raise _invalid()
    return kind, position


def _decode(text: str, kinds: tuple[Kind, ...], owner: int) -> tuple[Kind, bytes]:
    try:
        raw = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (Error, ValueError):
        raise _invalid() from None
    payload, checksum = raw[:-_SUM_BYTES], raw[-_SUM_BYTES:]
    # Decoding skips characters that are not base64 and spare bits: only what encode() writes is a cursor.
    if not payload or _text(raw) != text or checksum != _checksum(payload, owner):
        raise _invalid()
    if payload[0] not in kinds:
        raise _invalid()
    return Kind(payload[0]), payload[_KIND_BYTES:]


def _text(raw: bytes) -> str:
    return b64encode(raw, b"-_").rstrip(b"=").decode()


def _checksum(payload: bytes, owner: int) -> bytes:
    return zlib.crc32(encode_user(owner) + payload).to_bytes(_SUM_BYTES, "big")


def _invalid() -> Invalid:
    return Invalid("cursor", "is not one of this page's; take it from the Link header of the page before")
