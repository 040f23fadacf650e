"""Who calls, and whether they may: what views ask before they do something in somebody's name.

``authorization`` has found out whose token came. A view that nobody asked for leave is open to everybody, so each that
acts as a person, or shows what is theirs alone, begins with ``allow``, ``actor`` or ``insist``.
"""

from dataclasses import dataclass
from typing import Final

from aiohttp.web import Request, RequestKey

from microblog_streams.domain.errors import Forbidden, Unauthenticated


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose token came with a request, and the token's id."""

    user: int
    token: int


#: Whose token came; not there where none did.
CALLER: Final = RequestKey("caller", Caller)
#: Whether everybody may do everything (``MICROBLOG_AUTH=open``).
OPEN: Final = RequestKey("open", bool)


def caller(request: Request) -> Caller | None:
    """Return who calls, None where that is not known."""
    return request.get(CALLER)


def everybody_may(request: Request) -> bool:
    """Tell whether nobody has to say who they are."""
    return bool(request.get(OPEN))


def insist(request: Request) -> Caller:
    """Return who calls. Raises Unauthenticated."""
    if found := caller(request):
        return found
    raise Unauthenticated("Send a token: 'Authorization: Bearer …'. Registering gives one, POST /tokens/ another.")


def actor(request: Request) -> int | None:
    """Return in whose name the request is made; None: it may be in anybody's. Raises Unauthenticated."""
    return None if everybody_may(request) else insist(request).user


def allow(request: Request, user: int) -> None:
    """Return where the caller is this user. Raises Unauthenticated, Forbidden; whether the user exists is no matter."""
    if actor(request) not in (None, user):
        raise Forbidden(f"The token is not user {user}'s.")
