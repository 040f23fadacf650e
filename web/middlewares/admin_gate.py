"""The admin gate: every path that is not public answers 404 without the admin token.

Faust's own pages show all tables, routes and partitions, so paths are private by default. A private path answers
exactly as a path that does not exist, whatever the method and the spelling. The decision is made on the route that the
router has found, never on the text of the path.
"""

import hmac
from collections.abc import Set

from aiohttp.typedefs import Handler, Middleware
from aiohttp.web import HTTPMethodNotAllowed, HTTPNotFound, Request, StreamResponse, middleware


def admin_gate(token: str | None, public_paths: Set[str]) -> Middleware:
    """Return the middleware. ``public_paths`` are the routes' paths; without a token, all others are closed."""

    @middleware
    async def gate(request: Request, handler: Handler) -> StreamResponse:
        if await _is_public(request, public_paths) or _has_token(request, token):
            return await handler(request)
        raise HTTPNotFound

    return gate


async def _is_public(request: Request, public_paths: Set[str]) -> bool:
    if isinstance(request.match_info.http_exception, HTTPMethodNotAllowed):
        return await _matches_public_path(request, public_paths)
    resource = request.match_info.route.resource
    return resource is not None and resource.canonical in public_paths


async def _matches_public_path(request: Request, public_paths: Set[str]) -> bool:
    """Return whether a public path matches with another method: the router's 405 does not name the path."""
    for resource in request.app.router.resources():
        if resource.canonical in public_paths and (await resource.resolve(request))[1]:
            return True
    return False


def _has_token(request: Request, token: str | None) -> bool:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if token is None or scheme.lower() != "bearer":
        return False
    return hmac.compare_digest(given.strip().encode("utf-8", "surrogateescape"), token.encode())
