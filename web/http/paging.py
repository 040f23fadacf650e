"""Paging: ``?limit=`` and ``?cursor=`` of a request, and the URLs of the next pages in ``Link`` (RFC 8288).

A cursor is opaque text that clients send back: base64url of a kind, a position (a user's or a post's id) and a checksum
over both and the user in the path. So a changed cursor, or one of another page, is refused. It is neither a secret nor
a permission: its position was shown on the previous page.

URLs are relative to the server, so they are right behind any gateway.
"""

import zlib
from base64 import b64encode, urlsafe_b64decode
from binascii import Error
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256
from typing import Any, Final, Self
from urllib.parse import urlencode
from uuid import UUID

from aiohttp.web import Request

from microblog_streams.domain.errors import Invalid
from microblog_streams.domain.ids import MAX_USER_ID, POST_BYTES, USER_BYTES, decode_user, encode_user, is_post_id
from microblog_streams.operations.pages import Page
from web.http import params

_KIND_BYTES: Final = 1
_CHECKSUM_BYTES: Final = 4


class CursorKind(IntEnum):
    """The list, and on timelines the direction, of a cursor. Numbers are never reused, because clients hold cursors."""

    USERS = 1
    FOLLOWERS = 2
    FOLLOWEES = 3
    POSTS = 4
    OLDER = 5
    NEWER = 6
    BLOCKS = 7
    FOUND_POSTS = 8
    BEST_POSTS = 9
    FOUND_USERS = 10
    #: Lists behind the admin token start here.
    FOLLOWER_ROWS = 101
    SUSPENSIONS = 102


Position = int | UUID | tuple[int, ...] | tuple[UUID, ...]


def encode_cursor(kind: CursorKind, owner: int, position: Position) -> str:
    """Return a cursor. ``owner`` is the id of the user in the path, 0 for a path without a user.

    The position of a ranked list is the ids that are left of it.
    """
    parts = position if isinstance(position, tuple) else (position,)
    raw = b"".join(encode_user(part) if isinstance(part, int) else part.bytes for part in parts)
    payload = bytes([kind]) + raw
    return _to_text(payload + _checksum(payload, owner))


def decode_user_cursor(text: str, kind: CursorKind, owner: int) -> int:
    """Return the user id after which the page begins. Raises Invalid (``cursor``)."""
    _, raw = _decode(text, (kind,), owner)
    if len(raw) != USER_BYTES or (position := decode_user(raw)) > MAX_USER_ID:
        raise _invalid()
    return position


def decode_post_cursor(text: str, kinds: tuple[CursorKind, ...], owner: int) -> tuple[CursorKind, UUID]:
    """Return the cursor's kind, one of ``kinds``, and the post id after which the page begins.

    Raises Invalid (``cursor``).
    """
    kind, raw = _decode(text, kinds, owner)
    if len(raw) != POST_BYTES or not is_post_id(position := UUID(bytes=raw)):
        raise _invalid()
    return kind, position


def decode_ids(text: str, kind: CursorKind, owner: int, size: int) -> list[bytes]:
    """Return the ids that are left of a ranked list, of ``size`` bytes each. Raises Invalid (``cursor``)."""
    _, raw = _decode(text, (kind,), owner)
    if len(raw) % size or not raw:
        raise _invalid()
    return [raw[start : start + size] for start in range(0, len(raw), size)]


@dataclass(frozen=True, slots=True)
class Paging:
    """Which page a request asks for. ``owner`` is the id of the user in its path, 0 without one.

    ``query`` are the parameters, besides those of paging, that the next page needs as well.
    """

    path: str
    owner: int
    limit: int
    cursor: str | None
    query: str = ""

    @classmethod
    def of(cls, request: Request, owner: int = 0) -> Self:
        """Read ``?limit=`` and ``?cursor=``. Raises Invalid."""
        return cls(request.rel_url.raw_path, owner, params.limit(request), params.cursor(request))

    @classmethod
    def of_search(cls, request: Request, query: Mapping[str, str]) -> Self:
        """Read the same of a search: its cursors are valid for these parameters only. Raises Invalid."""
        encoded = urlencode(query, errors="surrogatepass")
        digest = int.from_bytes(sha256(encoded.encode()).digest()[:USER_BYTES], "big")
        return cls(request.rel_url.raw_path, digest, params.limit(request), params.cursor(request), f"{encoded}&")

    def user_positions(self, kind: CursorKind) -> list[int] | None:
        """Return the user ids that are left of a ranked list, None for the first page. Raises Invalid (``cursor``)."""
        if self.cursor is None:
            return None
        return [min(MAX_USER_ID, decode_user(raw)) for raw in decode_ids(self.cursor, kind, self.owner, USER_BYTES)]

    def post_positions(self, kind: CursorKind) -> list[UUID] | None:
        """Return the post ids that are left of a ranked list, None for the first page. Raises Invalid (``cursor``)."""
        if self.cursor is None:
            return None
        return [UUID(bytes=raw) for raw in decode_ids(self.cursor, kind, self.owner, POST_BYTES)]

    def user_position(self, kind: CursorKind) -> int:
        """Return the user id after which the page begins, 0 for the first page. Raises Invalid (``cursor``)."""
        return decode_user_cursor(self.cursor, kind, self.owner) if self.cursor is not None else 0

    def post_position(self, *kinds: CursorKind) -> tuple[CursorKind, UUID | None]:
        """Return the cursor's kind and post id; the first of ``kinds`` and None for the first page.

        Raises Invalid (``cursor``).
        """
        if self.cursor is None:
            return kinds[0], None
        return decode_post_cursor(self.cursor, kinds, self.owner)

    def next_path(self, page: Page[Any, Any], kind: CursorKind) -> str | None:
        """Return the address of the next page, None without one."""
        return None if page.next is None else self._path(kind, page.next)

    def links(self, page: Page[Any, Any], kind: CursorKind, prev_kind: CursorKind | None = None) -> dict[str, str]:
        """Return the ``Link`` header, empty without further pages; ``rel="prev"`` only for a ``prev_kind``."""
        prev = self._link("prev", prev_kind, page.prev) if prev_kind is not None else None
        header = ", ".join(link for link in (self._link("next", kind, page.next), prev) if link)
        return {"Link": header} if header else {}

    def _link(self, rel: str, kind: CursorKind, position: Position | None) -> str | None:
        if position is None:
            return None
        return f'<{self._path(kind, position)}>; rel="{rel}"'

    def _path(self, kind: CursorKind, position: Position) -> str:
        return f"{self.path}?{self.query}cursor={encode_cursor(kind, self.owner, position)}&limit={self.limit}"


def _decode(text: str, kinds: tuple[CursorKind, ...], owner: int) -> tuple[CursorKind, bytes]:
    try:
        raw = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (Error, ValueError):
        raise _invalid() from None
    payload, checksum = raw[:-_CHECKSUM_BYTES], raw[-_CHECKSUM_BYTES:]
    # urlsafe_b64decode skips invalid characters and spare bits, so the text is compared with its canonical form.
    if not payload or _to_text(raw) != text or checksum != _checksum(payload, owner):
        raise _invalid()
    if payload[0] not in kinds:
        raise _invalid()
    return CursorKind(payload[0]), payload[_KIND_BYTES:]


def _to_text(raw: bytes) -> str:
    return b64encode(raw, b"-_").rstrip(b"=").decode()


def _checksum(payload: bytes, owner: int) -> bytes:
    return zlib.crc32(encode_user(owner) + payload).to_bytes(_CHECKSUM_BYTES, "big")


def _invalid() -> Invalid:
    return Invalid("cursor", "is not valid for this page; take it from the Link header of the previous page")
