"""Who calls: what authentication has found out about a request."""

from dataclasses import dataclass
from typing import Final

from aiohttp.web import Request, RequestKey


@dataclass(frozen=True)
class Caller:
    """A user who is signed in, and the token that says so."""

    user: int
    token: int


CALLER: Final = RequestKey("caller", Caller)


def caller(request: Request) -> Caller | None:
    """Return who calls; None where nobody is signed in."""
    return request.get(CALLER)
