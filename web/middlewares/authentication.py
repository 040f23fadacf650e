"""Authentication by ``Authorization: Bearer <token>``: the caller of the API.

A token identifies the user before anything is done for them. An invalid token is refused even where none is needed, or
its owner would believe that it works. Only the API's paths are checked: on all others the header is the admin gate's,
and ``/health`` must not depend on PostgreSQL.
"""

from collections.abc import Set
from typing import Final

from aiohttp.typedefs import Handler, Middleware
from aiohttp.web import Request, StreamResponse, middleware

from microblog_streams.aio.circuit_breaker import best_effort
from microblog_streams.domain.errors import BadToken
from web.application import MICROBLOG
from web.http.authorization import CALLER, OPEN, Caller

HEADER: Final = "Authorization"


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
