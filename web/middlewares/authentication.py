"""Authentication by ``Authorization: Bearer <token>``: the admin gate, and the caller of the API.

**The admin gate.** Every path that is not public answers 404 without the admin token. Faust's own pages show all
tables, routes and partitions, so paths are private by default. A private path answers exactly as a path that does not
exist, whatever the method and the spelling. The decision is made on the route that the router has found, never on the
text of the path.

**The caller.** A token identifies the user before anything is done for them. An invalid token is refused even where
none is needed, or its owner would believe that it works. Only the API's paths are checked: on all others the header is
the admin gate's, and ``/health`` must not depend on PostgreSQL.
"""

import hmac
from collections.abc import Set
from typing import Final

from aiohttp.typedefs import Handler, Middleware
from aiohttp.web import HTTPMethodNotAllowed, HTTPNotFound, Request, StreamResponse, middleware

from microblog_streams.aio.circuit_breaker import best_effort
from microblog_streams.domain.errors import BadToken
from web.application import MICROBLOG
from web.http.authorization import CALLER, OPEN, Caller

HEADER: Final = "Authorization"


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


def authentication(required: bool, api_paths: Set[str]) -> Middleware:
    """Return the middleware of closed or open mode. ``api_paths`` are the paths of the API's routes."""
    return _closed_mode(api_paths) if required else _open_mode(api_paths)


def _closed_mode(api_paths: Set[str]) -> Middleware:
    @middleware
    async def authenticate(request: Request, handler: Handler) -> StreamResponse:
        """Accept requests without a token or with a valid one. Raises BadToken, StoreUnavailable."""
        if HEADER in request.headers and _path(request) in api_paths:
            found = await _find_caller(request)
            if found is None:
                raise BadToken
            request[CALLER] = found
        return await handler(request)

    return authenticate


def _open_mode(api_paths: Set[str]) -> Middleware:
    @middleware
    async def identify(request: Request, handler: Handler) -> StreamResponse:
        """Accept all requests. A valid token still identifies the caller, for the list of their tokens."""
        request[OPEN] = True
        if _path(request) in api_paths and (
            found := await best_effort("identify", lambda: _find_caller(request), None)
        ):
            request[CALLER] = found
        return await handler(request)

    return identify


def _path(request: Request) -> str | None:
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else None


async def _find_caller(request: Request) -> Caller | None:
    text = bearer_token(request)
    token = await request.app[MICROBLOG].operations.tokens.verify(text) if text else None
    return Caller(token.user, token.id) if token else None


def bearer_token(request: Request) -> str | None:
    """Return the request's token; None without one, with another scheme, or with more than one header."""
    values = request.headers.getall(HEADER, [])
    if len(values) != 1:
        return None
    scheme, _, token = values[0].partition(" ")
    return token.strip(" ") if scheme.lower() == "bearer" else None
