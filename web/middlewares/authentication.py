"""Who may call what: the API by ``Authorization: Bearer <token>``, pages that show internals by the admin token.

**The API.** A token identifies the user before anything is done for them. An invalid token is refused even where none
is needed, or its owner would believe that it works. Only the API's paths are checked: on all others the header is the
admin gate's, and ``/health`` must not depend on PostgreSQL. Without the header the token of a session counts
(``sessions``): if it is invalid, the browser forgets the cookie with the refusal.

**The admin gate.** Every path that is not public answers 404 without the admin token. Faust's own pages show all
tables, routes and partitions, so paths are private by default. A private path answers exactly as a path that does not
exist, whatever the method and the spelling. The decision is made on the route that the router has found, never on the
text of the path.

``/metrics`` is read by programs beside the worker, so the networks of ``MICROBLOG_METRICS_NETWORKS`` need no token for
it. They are compared with the client's proven address, so that no proxy opens it to the world, and requests of web
pages (``Origin``) are left out: a page of any site can call this machine from a browser on it.
"""

import hmac
from collections.abc import Set
from typing import Final

from aiohttp.typedefs import Handler, Middleware
from aiohttp.web import HTTPMethodNotAllowed, HTTPNotFound, Request, StreamResponse, middleware

from microblog_streams.aio.failures import best_effort
from microblog_streams.config.settings import Settings
from microblog_streams.domain.errors import BadToken
from web.application import MICROBLOG
from web.http.authorization import CALLER, OPEN, Caller
from web.http.problems import problem_response
from web.middlewares.client_address import ClientAddresses
from web.middlewares.sessions import SAFE_METHODS, SESSIONS, Sessions

HEADER: Final = "Authorization"


def authentication(required: bool, api_paths: Set[str], sessions: Sessions) -> Middleware:
    """Return the middleware of closed or open mode. ``api_paths`` are the paths of the API's routes."""
    return _closed_mode(api_paths, sessions) if required else _open_mode(api_paths, sessions)


def _closed_mode(api_paths: Set[str], sessions: Sessions) -> Middleware:
    @middleware
    async def authenticate(request: Request, handler: Handler) -> StreamResponse:
        """Accept requests without a token or with a valid one. Raises BadToken, CrossSite, StoreUnavailable."""
        if _path(request) not in api_paths:
            return await handler(request)
        request[SESSIONS] = sessions
        if HEADER in request.headers:
            found = await _find_caller(request, bearer_token(request))
            if found is None:
                raise BadToken
            request[CALLER] = found
        elif (secret := sessions.secret(request)) is not None:
            if request.method not in SAFE_METHODS:
                sessions.require_own_page(request)
            found = await _find_caller(request, secret)
            if found is None:
                return _ended(request, sessions)
            request[CALLER] = found
        return await handler(request)

    return authenticate


def _ended(request: Request, sessions: Sessions) -> StreamResponse:
    """Return the answer to a request whose session is over: the browser forgets it."""
    response = problem_response(BadToken(), request)
    sessions.end(request, response)
    return response


def _open_mode(api_paths: Set[str], sessions: Sessions) -> Middleware:
    @middleware
    async def identify(request: Request, handler: Handler) -> StreamResponse:
        """Accept all requests. A valid token still identifies the caller, for the list of their tokens."""
        request[OPEN] = True
        if _path(request) in api_paths:
            request[SESSIONS] = sessions
            secret = bearer_token(request) if HEADER in request.headers else sessions.secret(request)
            if found := await best_effort("identify", lambda: _find_caller(request, secret), None):
                request[CALLER] = found
        return await handler(request)

    return identify


def _path(request: Request) -> str | None:
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else None


async def _find_caller(request: Request, text: str | None) -> Caller | None:
    token = await request.app[MICROBLOG].operations.tokens.verify(text) if text else None
    return Caller(token.user, token.id) if token else None


def bearer_token(request: Request) -> str | None:
    """Return the request's token; None without one, with another scheme, or with more than one header."""
    values = request.headers.getall(HEADER, [])
    if len(values) != 1:
        return None
    scheme, _, token = values[0].partition(" ")
    return token.strip(" ") if scheme.lower() == "bearer" else None


async def is_still_valid(request: Request) -> bool:
    """Return whether the token that a request came with is still valid; True without one."""
    if CALLER not in request:
        return True
    secret = bearer_token(request) if HEADER in request.headers else request[SESSIONS].secret(request)
    known: Caller | None = request[CALLER]
    return await best_effort("verify_again", lambda: _find_caller(request, secret), known) is not None


#: The methods by which metrics are read.
_READING: Final = ("GET", "HEAD")


def admin_gate(settings: Settings, public_paths: Set[str], metrics_paths: Set[str]) -> Middleware:
    """Return the middleware. The paths are the routes'; without an admin token, all that are not public are closed."""
    token = settings.admin_token.get_secret_value() if settings.admin_token else None
    scrapers = _Scrapers(settings, metrics_paths)

    @middleware
    async def gate(request: Request, handler: Handler) -> StreamResponse:
        if await _is_public(request, public_paths) or _has_token(request, token) or scrapers.may_read(request):
            return await handler(request)
        raise HTTPNotFound

    return gate


class _Scrapers:
    """The programs that read the metrics without a token."""

    def __init__(self, settings: Settings, metrics_paths: Set[str]) -> None:
        self._networks = settings.metrics_networks
        self._addresses = ClientAddresses(settings)
        self._paths = metrics_paths

    def may_read(self, request: Request) -> bool:
        resource = request.match_info.route.resource
        if resource is None or resource.canonical not in self._paths or request.method not in _READING:
            return False
        address = None if "Origin" in request.headers else self._addresses.proven(request)
        return address is not None and any(address in network for network in self._networks)


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
