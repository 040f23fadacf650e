"""The lock in front of everything that is not the API: Faust's pages show every table, route and partition.

Deny by default: what the table of routes does not name answers 404, exactly as a path that is not there, whatever
the method and the spelling, until the request carries the admin token. The decision is made on the route that the
router has found, never on the text of the path.
"""

import hmac

from aiohttp.typedefs import Handler, Middleware
from aiohttp.web import HTTPMethodNotAllowed, HTTPNotFound, Request, StreamResponse, middleware

from web.routes import PUBLIC


def lock(token: str | None) -> Middleware:
    """Return the middleware. Without a token nothing opens it."""

    @middleware
    async def locked(request: Request, handler: Handler) -> StreamResponse:
        if await _public(request) or _opens(request, token):
            return await handler(request)
        raise HTTPNotFound

    return locked


async def _public(request: Request) -> bool:
    if isinstance(request.match_info.http_exception, HTTPMethodNotAllowed):
        return await _has_public_path(request)
    resource = request.match_info.route.resource
    return resource is not None and resource.canonical in PUBLIC


async def _has_public_path(request: Request) -> bool:
    """Tell whether the path is the API's and only the method is not; the router's 405 does not say for whom it is."""
    for resource in request.app.router.resources():
        if resource.canonical in PUBLIC and (await resource.resolve(request))[1]:
            return True
    return False


def _opens(request: Request, token: str | None) -> bool:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if token is None or scheme.lower() != "bearer":
        return False
    return hmac.compare_digest(given.strip().encode("utf-8", "surrogateescape"), token.encode())
