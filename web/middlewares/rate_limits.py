"""Which request draws from which budget, and whose: decided in this one table.

A budget is a user's where a token says who calls, so that people behind one address do not share it, and the address'
where none does. Registering and signing in are the address' always: users are what an attacker can have any number of.
What the table does not name is reading, so nothing of the API is without a limit but ``OPTIONS``. A call counts when it
comes, whatever becomes of it, because one that is wrong or repeated costs as much.
"""

from collections.abc import Mapping
from typing import Final

from aiohttp.typedefs import Handler, Middleware
from aiohttp.web import Request, StreamResponse, middleware

from microblog_streams.config.rate_limit_settings import RateLimitSettings
from microblog_streams.rate_limits.rate_limiter import RateLimit
from web.api.view import MICROBLOG
from web.http.authorization import caller
from web.http.problems import TooManyRequests, answered
from web.http.rate_limit_headers import fields
from web.http.trailing_slash import canonical
from web.middlewares.client_address import Addresses
from web.routes import API

DRAWS: Final[Mapping[tuple[str, str], RateLimit]] = {
    ("POST", "/posts/"): RateLimit.POSTING,
    ("DELETE", "/posts/{ident}"): RateLimit.POSTING,
    ("POST", "/users/{follower}/follow/{followee}"): RateLimit.FOLLOWING,
    ("DELETE", "/users/{follower}/follow/{followee}"): RateLimit.FOLLOWING,
    ("POST", "/users/{blocker}/block/{blocked}"): RateLimit.FOLLOWING,
    ("DELETE", "/users/{blocker}/block/{blocked}"): RateLimit.FOLLOWING,
    ("POST", "/users/"): RateLimit.REGISTERING,
    ("DELETE", "/users/{user}"): RateLimit.POSTING,
    ("POST", "/tokens/"): RateLimit.SIGNING_IN,
}
#: Kept for addresses, whoever calls.
OF_ADDRESSES: Final = frozenset({RateLimit.REGISTERING, RateLimit.SIGNING_IN})

_PATHS: Final = frozenset(canonical(path) for path, _ in API)


def limits(settings: RateLimitSettings) -> Middleware:
    """Return the middleware. It stands behind authentication, which says who calls."""
    addresses = Addresses(settings)

    @middleware
    async def limited(request: Request, handler: Handler) -> StreamResponse:
        budget = budget_of(request)
        verdict = await request.app[MICROBLOG].rate_limiter.take(budget, _who(request, budget)) if budget else None
        if budget is None or verdict is None:
            return await handler(request)
        if not verdict.granted:
            raise TooManyRequests(budget, verdict)
        response = await answered(request, handler)
        for name, value in fields(budget, verdict).items():
            response.headers.setdefault(name, value)
        return response

    def _who(request: Request, budget: RateLimit) -> str:
        user = None if budget in OF_ADDRESSES else caller(request)
        return f"user:{user.user}" if user else f"address:{addresses.of(request)}"

    return limited


def budget_of(request: Request) -> RateLimit | None:
    """Return what a request draws from; None for what is not limited."""
    resource = request.match_info.route.resource
    if resource is None or (path := canonical(resource.canonical)) not in _PATHS or request.method == "OPTIONS":
        return None
    return DRAWS.get((request.method, path), RateLimit.READING)
