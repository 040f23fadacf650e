"""What comes in a path or a query, checked before an operation sees it.

Malformed and out of range is Invalid, named as docs/api.md names it; well formed and unknown is NotFound.
"""

import re
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from aiohttp.web import Request

from microblog_streams.domain.errors import Invalid, NotFound
from microblog_streams.domain.ids import MAX_USER_ID, is_post_id

DEFAULT_LIMIT: Final = 20
MAX_LIMIT: Final = 100

_DIGITS: Final = re.compile(r"[0-9]{1,19}", re.ASCII)
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number in decimal digits, without sign or leading zeros: what is read is what is described."""

    least: int
    most: int

    def read(self, text: str, field: str) -> int:
        """Return the number. Raises Invalid."""
        if not _DIGITS.fullmatch(text) or text[0] == "0" or not self.least <= int(text) <= self.most:
            raise Invalid(field, f"must be a whole number from {self.least} to {self.most}")
        return int(text)


USER_ID: Final = Whole(1, MAX_USER_ID)
LIMIT: Final = Whole(1, MAX_LIMIT)


def user_id(text: str, field: str = "userId") -> int:
    """Return a user's id from a path. Raises Invalid."""
    return USER_ID.read(text, field)


def token_id(text: str) -> int:
    """Return a token's id from a path. Raises Invalid."""
    return user_id(text, "tokenId")


def looks_like_post_id(text: str) -> bool:
    """Tell a post's id from a user's, where a path takes both."""
    return _UUID.fullmatch(text) is not None


def post_id(text: str) -> UUID:
    """Return a post's id from a path. Raises Invalid; NotFound for a UUID that no post can have."""
    if not looks_like_post_id(text):
        raise Invalid("postId", "must be a UUID")
    value = UUID(text)
    if not is_post_id(value):
        raise NotFound("post", value)
    return value


def limit(request: Request, default: int = DEFAULT_LIMIT, most: int = MAX_LIMIT) -> int:
    """Return the number of items that a page may have: ``?limit=``. Raises Invalid."""
    text = _single(request, "limit")
    return default if text is None else Whole(1, most).read(text, "limit")


def cursor(request: Request) -> str | None:
    """Return the text of ``?cursor=``; ``cursors`` reads it. Raises Invalid where it is given twice."""
    return _single(request, "cursor")


def username(request: Request) -> str | None:
    """Return the name that is looked for: ``?username=``. Raises Invalid where it is given twice, or with a cursor."""
    name = _single(request, "username")
    if name is not None and cursor(request) is not None:
        raise Invalid("cursor", "does not go with username: there is one page of a name")
    return name


def _single(request: Request, name: str) -> str | None:
    values = request.query.getall(name, [])
    if len(values) > 1:
        raise Invalid(name, "is given more than once")
    return values[0] if values else None
