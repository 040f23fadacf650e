"""What comes in a path or a query, checked before an operation sees it.

Malformed and out of range is Invalid, named as docs/api.md names it; well formed and unknown is NotFound.
"""

import re
from typing import Final
from uuid import UUID

from aiohttp.web import Request

from microblog_streams.errors import Invalid, NotFound
from microblog_streams.ids import MAX_USER_ID, is_post_id

DEFAULT_LIMIT: Final = 20
MAX_LIMIT: Final = 100

_ID: Final = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_LIMIT: Final = re.compile(r"[0-9]{1,3}", re.ASCII)


def user_id(text: str, field: str = "userId") -> int:
    """Return a user's id from a path. Raises Invalid."""
    if not _ID.fullmatch(text) or int(text) > MAX_USER_ID:
        raise Invalid(field, f"must be a whole number from 1 to {MAX_USER_ID}")
    return int(text)


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


def limit(request: Request) -> int:
    """Return the number of items that a page may have: ``?limit=``. Raises Invalid."""
    text = _single(request, "limit")
    if text is None:
        return DEFAULT_LIMIT
    if not _LIMIT.fullmatch(text) or not 1 <= int(text) <= MAX_LIMIT:
        raise Invalid("limit", f"must be a whole number from 1 to {MAX_LIMIT}")
    return int(text)


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
