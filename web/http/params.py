"""Parameters of the path and the query, validated before an operation sees them; and the two forms of each path.

A malformed value or one out of range raises Invalid with the name that docs/api.md uses; a well-formed id that cannot
exist raises NotFound.

Every path is served with and without a slash at its end. There is no redirect: it would cost a round trip, and many
clients repeat a redirected POST as a GET.

Clients choose paths and methods, so metrics and logs name neither as it was sent: a route is its template, without a
slash at its end, a path without a route is ``unknown``, and a method that HTTP does not define is ``other``.
"""

import re
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from aiohttp.hdrs import METH_ALL
from aiohttp.web import Request
from aiohttp.web_urldispatcher import AbstractResource

from microblog_streams.domain.errors import Invalid, NotFound
from microblog_streams.domain.ids import MAX_USER_ID, is_post_id

#: Items of a page.
DEFAULT_LIMIT: Final = 20
MAX_LIMIT: Final = 100
#: Orders of posts that are found; the first is the default.
SORTS: Final = ("newest", "best")

UNKNOWN_ROUTE: Final = "unknown"
OTHER_METHOD: Final = "other"

_METHODS: Final = {method: method for method in METH_ALL}
_DIGITS: Final = re.compile(r"[0-9]{1,19}", re.ASCII)
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class IntegerRange:
    """Whole numbers in decimal digits, without sign or leading zeros. The API's description uses the same bounds."""

    minimum: int
    maximum: int

    def parse(self, text: str, field: str) -> int:
        """Return the number. Raises Invalid."""
        if not _DIGITS.fullmatch(text) or text[0] == "0" or not self.minimum <= int(text) <= self.maximum:
            raise Invalid(field, f"must be a whole number from {self.minimum} to {self.maximum}")
        return int(text)


USER_ID: Final = IntegerRange(1, MAX_USER_ID)
LIMIT: Final = IntegerRange(1, MAX_LIMIT)


def user_id(text: str, field: str = "userId") -> int:
    """Return a user's id from the path. Raises Invalid."""
    return USER_ID.parse(text, field)


def token_id(text: str) -> int:
    """Return a token's id from the path. Raises Invalid."""
    return user_id(text, "tokenId")


def is_uuid(text: str) -> bool:
    """Return whether a path parameter is a UUID: a post's id, where a user's id is possible too."""
    return _UUID.fullmatch(text) is not None


def post_id(text: str) -> UUID:
    """Return a post's id from the path. Raises Invalid; NotFound for a UUID that is no post id."""
    if not is_uuid(text):
        raise Invalid("postId", "must be a UUID")
    value = UUID(text)
    if not is_post_id(value):
        raise NotFound("post", value)
    return value


def limit(request: Request, default: int = DEFAULT_LIMIT, maximum: int = MAX_LIMIT) -> int:
    """Return ``?limit=``, the number of items of a page. Raises Invalid."""
    text = _single(request, "limit")
    return default if text is None else IntegerRange(1, maximum).parse(text, "limit")


def cursor(request: Request) -> str | None:
    """Return the text of ``?cursor=``, which ``paging`` decodes. Raises Invalid if it is given twice."""
    return _single(request, "cursor")


def query(request: Request) -> str:
    """Return ``?q=``, which the search parses. Raises Invalid if it is missing or given twice."""
    text = _single(request, "q")
    if text is None:
        raise Invalid("q", "is missing")
    return text


def sort(request: Request) -> str:
    """Return ``?sort=``, one of ``SORTS``. Raises Invalid."""
    text = _single(request, "sort") or SORTS[0]
    if text not in SORTS:
        raise Invalid("sort", f"must be {' or '.join(SORTS)}")
    return text


def username(request: Request) -> str | None:
    """Return ``?username=``. Raises Invalid if it is given twice or together with a cursor."""
    name = _single(request, "username")
    if name is not None and cursor(request) is not None:
        raise Invalid("cursor", "cannot be combined with username: the result is a single page")
    return name


def last_event_id(request: Request) -> str | None:
    """Return the id of the last event that the client had, from the header or else the query; None without one."""
    return request.headers.get("Last-Event-ID") or _single(request, "last_event_id") or None


def toggle_slash(path: str) -> str:
    """Return the path's other form: without the slash at its end, or with one."""
    return path.removesuffix("/") if path.endswith("/") else path + "/"


def canonical(path: str) -> str:
    """Return the form that docs/api.md uses: with a slash for ``/users/`` and ``/posts/``, without for longer paths."""
    bare = path.removesuffix("/")
    return bare + "/" if bare.count("/") == 1 else bare


def _single(request: Request, name: str) -> str | None:
    values = request.query.getall(name, [])
    if len(values) > 1:
        raise Invalid(name, "is given more than once")
    return values[0] if values else None


def method_name(method: str) -> str:
    """Return a request's method as metrics and logs name it."""
    return _METHODS.get(method, OTHER_METHOD)


def route_name(resource: AbstractResource | None) -> str:
    """Return a route as metrics and logs name it; ``resource``: what the router found for a path."""
    return UNKNOWN_ROUTE if resource is None else resource.canonical.removesuffix("/") or "/"


def resource_of(request: Request) -> AbstractResource | None:
    """Return what the router found; None also for a request that was refused before it was asked."""
    match = request._match_info
    return None if match is None else match.route.resource
