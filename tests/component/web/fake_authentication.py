"""A stand-in for authentication: the middleware identifies callers by a made-up token, or raises a 401."""

import pytest
from aiohttp.web import HTTPUnauthorized, middleware

from web.http.authorization import CALLER, Caller
from web.middlewares import stack

#: The proxy in front, in tests: where the client of every test is.
PROXY = {"trusted_proxies": "127.0.0.0/8"}


def of(user):
    """Return the header of a user's good token."""
    return {"Authorization": f"Bearer user-{user}"}


@pytest.fixture
def authenticated(monkeypatch):
    """Have ``Bearer user-N`` say that user N calls, and refuse other tokens; return those that were looked at."""
    looked_at = []
    made = stack.middlewares

    @middleware
    async def authentication(request, handler):
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme:
            looked_at.append(token)
            if not token.startswith("user-"):
                raise HTTPUnauthorized
            request[CALLER] = Caller(int(token.removeprefix("user-")), 1)
        return await handler(request)

    def chain(settings, paths, request_seconds=10.0):
        found = made(settings, paths, request_seconds)
        place = [each.__name__ for each in found].index("limit_rate")
        return [*found[:place], authentication, *found[place:]]

    monkeypatch.setattr(stack, "middlewares", chain)
    return looked_at
