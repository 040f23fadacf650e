"""CORS: lets the pages of the settings' origins read the responses, errors included.

Cookies are not used, so ``Access-Control-Allow-Credentials`` is not sent: a page sends its token itself. aiohttp-cors
is not used, because it answers every OPTIONS as a preflight request.
"""

import re
from collections.abc import Collection
from typing import Final

from aiohttp.typedefs import Handler, Middleware
from aiohttp.web import Request, RequestKey, StreamResponse, middleware

from microblog_streams.config.addresses import ANY_ORIGIN

#: Request headers that a page may send.
ALLOWED_HEADERS: Final = "Authorization, Content-Type, Idempotency-Key, If-None-Match, X-Request-ID"
#: Response headers that a page may read, besides those that it always may.
EXPOSED_HEADERS: Final = (
    "Allow, ETag, Link, Location, RateLimit, RateLimit-Policy, Retry-After, Timeline-State, WWW-Authenticate, "
    "X-Request-ID"
)
ALLOW_ORIGIN: Final = "Access-Control-Allow-Origin"
#: For how long a browser may cache the answer to a preflight request.
PREFLIGHT_MAX_AGE_SECONDS: Final = "3600"

_ORIGIN: Final = re.compile(rb"\r\norigin:[ \t]*([!-~]+)[ \t]*\r\n", re.IGNORECASE)


#: The headers of this middleware, for responses that are sent while they are made.
EARLY_HEADERS: Final = RequestKey("early_headers", dict[str, str])


class CorsPolicy:
    """Which origins may read responses."""

    def __init__(self, origins: Collection[str] = ()) -> None:
        """Without origins, no headers are sent."""
        self._origins = origins

    def headers(self, origin: str | None) -> dict[str, str]:
        """Return the headers of a response; ``origin`` is the request's ``Origin``, None without one."""
        if not self._origins:
            return {}
        allows_any = ANY_ORIGIN in self._origins
        found = {} if allows_any else {"Vary": "Origin"}
        if origin is not None and (allows_any or origin in self._origins):
            found[ALLOW_ORIGIN] = ANY_ORIGIN if allows_any else origin
            found["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
        return found


def find_origin(head: bytes) -> str | None:
    """Return the ``Origin`` in the bytes of a head that is incomplete or cannot be parsed."""
    found = _ORIGIN.search(head)
    return found[1].decode("ascii", "replace") if found else None


def cors(policy: CorsPolicy) -> Middleware:
    """Return the middleware."""

    @middleware
    async def add_headers(request: Request, handler: Handler) -> StreamResponse:
        headers = policy.headers(request.headers.get("Origin"))
        request[EARLY_HEADERS] = headers
        response = await handler(request)
        for name, value in headers.items():
            response.headers.add(name, value)
        if ALLOW_ORIGIN in headers:
            _complete_preflight(request, response)
        return response

    return add_headers


def _complete_preflight(request: Request, response: StreamResponse) -> None:
    """Add what a preflight request asks for: methods and headers. A path that does not exist allows none."""
    if request.method != "OPTIONS" or "Access-Control-Request-Method" not in request.headers or response.status != 204:
        return
    response.headers["Access-Control-Allow-Methods"] = response.headers["Allow"].replace(",", ", ")
    response.headers["Access-Control-Allow-Headers"] = ALLOWED_HEADERS
    response.headers["Access-Control-Max-Age"] = PREFLIGHT_MAX_AGE_SECONDS
