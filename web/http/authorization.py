"""Who calls, and whether they may: the checks with which views begin.

The middleware ``authentication`` has looked the token up. Views are public by default, so each one that acts for a
user, or shows what is private, begins with ``require_user``, ``acting_user`` or ``require_caller``.
"""

from dataclasses import dataclass
from typing import Final

from aiohttp.web import Request, RequestKey

from microblog_streams.domain.errors import Forbidden, Unauthenticated

HOW_TO_AUTHENTICATE: Final = (
    "A token is required: 'Authorization: Bearer …'. Registering returns one; POST /tokens/ issues more."
)


@dataclass(frozen=True, slots=True)
class Caller:
    """The ids of the user whose token was sent, and of the token."""

    user: int
    token: int


#: The request's caller; absent without a valid token.
CALLER: Final = RequestKey("caller", Caller)
#: Whether all requests are allowed (``MICROBLOG_AUTH=open``).
OPEN: Final = RequestKey("open", bool)


def caller(request: Request) -> Caller | None:
    """Return the caller, None without a valid token."""
    return request.get(CALLER)


def reader(request: Request) -> int | None:
    """Return the id of the user who is signed in, None without a valid token: blocks are heeded for them."""
    found = caller(request)
    return found.user if found else None


def is_open(request: Request) -> bool:
    """Return whether requests need no token."""
    return bool(request.get(OPEN))


def require_caller(request: Request) -> Caller:
    """Return the caller. Raises Unauthenticated."""
    if found := caller(request):
        return found
    raise Unauthenticated(HOW_TO_AUTHENTICATE)


def acting_user(request: Request) -> int | None:
    """Return the id of the user for whom the request acts; None in open mode: any user. Raises Unauthenticated."""
    return None if is_open(request) else require_caller(request).user


def require_user(request: Request, user: int) -> None:
    """Check that the caller is ``user``. Raises Unauthenticated, Forbidden; both also if the user does not exist."""
    if acting_user(request) not in (None, user):
        raise Forbidden(f"The token does not belong to user {user}.")
