"""Finds out who calls, by ``Authorization: Bearer <token>``, before anything is done for them.

Whoever shows a token that is not good is refused, also where none is needed: they would go on thinking that it is.
Only the API's paths are looked at. On all others the header is the lock's business, and ``/health`` must not
depend on PostgreSQL.
"""

from typing import Final

from aiohttp.typedefs import Handler, Middleware
from aiohttp.web import Request, StreamResponse, middleware

from microblog_streams.aio.best_effort import attempt
from microblog_streams.domain.errors import BadToken
from web.api.view import MICROBLOG
from web.http.authorization import CALLER, OPEN, Caller
from web.routes import CALLED

HEADER: Final = "Authorization"


@middleware
async def required(request: Request, handler: Handler) -> StreamResponse:
    """Let in who shows nothing, or a good token. Raises BadToken, StoreUnavailable."""
    if _of_the_api(request) and HEADER in request.headers:
        found = await _owner(request)
        if found is None:
            raise BadToken
        request[CALLER] = found
    return await handler(request)


@middleware
async def open_to_all(request: Request, handler: Handler) -> StreamResponse:
    """Let everybody in. A good token still says whose list of tokens is asked for."""
    request[OPEN] = True
    if _of_the_api(request) and (found := await attempt("identify", _owner(request), None)):
        request[CALLER] = found
    return await handler(request)


def authentication(needed: bool) -> Middleware:
    """Return the middleware: where tokens are needed, or where everything is open."""
    return required if needed else open_to_all


def _of_the_api(request: Request) -> bool:
    resource = request.match_info.route.resource
    return resource is not None and resource.canonical in CALLED


async def _owner(request: Request) -> Caller | None:
    text = bearer(request)
    token = await request.app[MICROBLOG].operations.tokens.verify(text) if text else None
    return Caller(token.user, token.id) if token else None


def bearer(request: Request) -> str | None:
    """Return the token that was sent; None where there is none, where it is sent in another way, or more than one."""
    values = request.headers.getall(HEADER, [])
    if len(values) != 1:
        return None
    scheme, _, token = values[0].partition(" ")
    return token.strip(" ") if scheme.lower() == "bearer" else None
