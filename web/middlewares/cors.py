"""Calls from the pages of other origins (CORS): answered so that a browser lets the settings' origins read them.

Errors too, or a page would not see why its call failed. No cookies are involved, so nothing is done about credentials:
a page sends its token itself. aiohttp-cors is not used: it takes OPTIONS away from whoever is no browser.
"""

from collections.abc import Collection
from typing import Final

from aiohttp.typedefs import Handler, Middleware
from aiohttp.web import Request, StreamResponse, middleware

from microblog_streams.origins import ANY

#: Headers that a page may send.
TAKEN: Final = "Authorization, Content-Type, Idempotency-Key, If-None-Match, X-Request-ID"
#: Headers of an answer that a page may read, besides those that it always may.
SHOWN: Final = (
    "Allow, ETag, Link, Location, RateLimit, RateLimit-Policy, Retry-After, Timeline-State, WWW-Authenticate, "
    "X-Request-ID"
)
#: Seconds for which a browser remembers what it may send.
REMEMBERED: Final = "3600"


def cors(origins: Collection[str]) -> Middleware:
    """Return the middleware that lets these origins in."""

    @middleware
    async def shared(request: Request, handler: Handler) -> StreamResponse:
        response = await handler(request)
        if ANY not in origins:
            response.headers.add("Vary", "Origin")
        if origin := _allowed(request, origins):
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = SHOWN
            _answer_preflight(request, response)
        return response

    return shared


def _allowed(request: Request, origins: Collection[str]) -> str | None:
    origin = request.headers.get("Origin")
    if origin is None or ANY in origins:
        return origin and ANY
    return origin if origin in origins else None


def _answer_preflight(request: Request, response: StreamResponse) -> None:
    """Say what may be sent, where a browser asks before it sends. A path that is not there has no methods to allow."""
    if request.method != "OPTIONS" or "Access-Control-Request-Method" not in request.headers or response.status != 204:
        return
    response.headers["Access-Control-Allow-Methods"] = response.headers["Allow"].replace(",", ", ")
    response.headers["Access-Control-Allow-Headers"] = TAKEN
    response.headers["Access-Control-Max-Age"] = REMEMBERED
