"""Calls from the pages of other origins (CORS): answered so that a browser lets the settings' origins read them.

Errors too, or a page would not see why its call failed. No cookies are involved, so nothing is done about credentials:
a page sends its token itself. aiohttp-cors is not used: it takes OPTIONS away from whoever is no browser.
"""

import re
from collections.abc import Collection
from typing import Final

from aiohttp.typedefs import Handler, Middleware
from aiohttp.web import Request, StreamResponse, middleware

from microblog_streams.config.field_types import ANY_ORIGIN

#: Headers that a page may send.
TAKEN: Final = "Authorization, Content-Type, Idempotency-Key, If-None-Match, X-Request-ID"
#: Headers of an answer that a page may read, besides those that it always may.
SHOWN: Final = (
    "Allow, ETag, Link, Location, RateLimit, RateLimit-Policy, Retry-After, Timeline-State, WWW-Authenticate, "
    "X-Request-ID"
)
ALLOW: Final = "Access-Control-Allow-Origin"
#: Seconds for which a browser remembers what it may send.
REMEMBERED: Final = "3600"

_ORIGIN: Final = re.compile(rb"\r\norigin:[ \t]*([!-~]+)[ \t]*\r\n", re.IGNORECASE)


class CorsPolicy:
    """Tells browsers which origins' pages may read an answer."""

    def __init__(self, origins: Collection[str] = ()) -> None:
        """Take the origins of the settings; without any, nothing is told."""
        self._origins = origins

    def headers(self, origin: str | None) -> dict[str, str]:
        """Return the headers of an answer to a page of this origin; None: a caller that is no page."""
        if not self._origins:
            return {}
        everybody = ANY_ORIGIN in self._origins
        found = {} if everybody else {"Vary": "Origin"}
        if origin is not None and (everybody or origin in self._origins):
            found[ALLOW] = ANY_ORIGIN if everybody else origin
            found["Access-Control-Expose-Headers"] = SHOWN
        return found


def origin_in(head: bytes) -> str | None:
    """Return the origin that the first bytes of a request name, where they are too few or too wrong to be read."""
    found = _ORIGIN.search(head)
    return found[1].decode("ascii", "replace") if found else None


def cors(sharing: CorsPolicy) -> Middleware:
    """Return the middleware that lets the origins of ``sharing`` in."""

    @middleware
    async def shared(request: Request, handler: Handler) -> StreamResponse:
        response = await handler(request)
        headers = sharing.headers(request.headers.get("Origin"))
        for name, value in headers.items():
            response.headers.add(name, value)
        if ALLOW in headers:
            _answer_preflight(request, response)
        return response

    return shared


def _answer_preflight(request: Request, response: StreamResponse) -> None:
    """Say what may be sent, where a browser asks before it sends. A path that is not there has no methods to allow."""
    if request.method != "OPTIONS" or "Access-Control-Request-Method" not in request.headers or response.status != 204:
        return
    response.headers["Access-Control-Allow-Methods"] = response.headers["Allow"].replace(",", ", ")
    response.headers["Access-Control-Allow-Headers"] = TAKEN
    response.headers["Access-Control-Max-Age"] = REMEMBERED
