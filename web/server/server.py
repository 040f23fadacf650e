"""The server that creates guarded connections, the runner that creates the server, and Faust's driver of both.

Errors that aiohttp raises before it calls a middleware (an unknown ``Expect``, which it quotes in plain text) are
answered here with problem documents, like all others.

A request that would change something is dropped where its client has left already. A worker that was frozen finds such
requests in its sockets: they were given up and repeated on another worker, and the opposite may have been asked for and
answered since, which a late unfollow would undo.
"""

import asyncio
import logging
from contextlib import suppress
from typing import Any, cast

from aiohttp import HttpVersion10, HttpVersion11
from aiohttp.typedefs import Handler
from aiohttp.web import (
    Application,
    AppRunner,
    HTTPBadRequest,
    HTTPException,
    HTTPRequestHeaderFieldsTooLarge,
    HTTPRequestTimeout,
    Request,
    Server,
    SockSite,
    StreamResponse,
)
from faust.types import AppT
from faust.web.drivers.aiohttp import Web

from microblog_streams.config.addresses import listening_sockets
from web.http.body import awaits_continue, check_expectation, without_expect
from web.middlewares.cors import CorsPolicy
from web.middlewares.request_ids import received_request_id
from web.middlewares.sessions import SAFE_METHODS
from web.server.connection import GuardedHandler
from web.server.connection_limits import ConnectionLimits
from web.server.early_responses import early_response, secure
from web.server.limits import (
    BACKLOG_CONNECTIONS,
    BODY_GRACE_SECONDS,
    KEEP_ALIVE_SECONDS,
    LINGER_SECONDS,
    MAX_HEAD_BYTES,
    MAX_HEADER_BYTES,
    MAX_HEADERS,
    MAX_URL_BYTES,
    SHUTDOWN_SECONDS,
    Limits,
)

log = logging.getLogger(__name__)


class GuardedWeb(Web):
    """Faust's web driver with a ``GuardedRunner``."""

    def __init__(self, app: AppT, limits: Limits, cors: CorsPolicy) -> None:
        """``cors`` is for answers that no middleware sees."""
        super().__init__(app)
        self.connections = ConnectionLimits(limits)
        self._runner = GuardedRunner(self.web_app, self.connections, limits, cors)

    async def start_server(self) -> None:
        """Listen on every address of the host."""
        await self._runner.setup()
        for each in listening_sockets(self.app.conf.web_bind, self.app.conf.web_port):
            await SockSite(self._runner, each, backlog=BACKLOG_CONNECTIONS).start()


class GuardedRunner(AppRunner):
    """aiohttp's runner with a ``GuardedServer`` and explicit limits."""

    def __init__(self, app: Application, connections: ConnectionLimits, limits: Limits, cors: CorsPolicy) -> None:
        """Set every limit that aiohttp has."""
        super().__init__(
            app,
            access_log=None,
            max_line_size=MAX_URL_BYTES,
            max_field_size=MAX_HEADER_BYTES,
            max_headers=MAX_HEADERS,
            keepalive_timeout=KEEP_ALIVE_SECONDS,
            lingering_time=LINGER_SECONDS,
            shutdown_timeout=SHUTDOWN_SECONDS,
            # A few compressed bytes can unpack to gigabytes: web.http.body refuses compressed bodies.
            auto_decompress=False,
        )
        self._connection_limits = connections
        self._limits = limits
        self._cors = cors

    async def shutdown(self) -> None:
        """Wait for the bodies that are arriving; aiohttp then waits for the answers."""
        await cast(GuardedServer, self.server).wait_for_bodies(BODY_GRACE_SECONDS)
        await super().shutdown()

    async def _make_server(self) -> Server:
        return GuardedServer(await super()._make_server(), self._connection_limits, self._limits, self._cors)


class GuardedServer(Server):
    """aiohttp's server with ``GuardedHandler`` connections."""

    def __init__(self, plain: Server, connections: ConnectionLimits, limits: Limits, cors: CorsPolicy) -> None:
        """Take the configuration of ``plain``, the server that aiohttp's runner made."""
        super().__init__(
            cast(Any, with_early_responses(plain.request_handler, cors)),  # always gets requests of the application
            request_factory=cast(Any, without_expect(plain.request_factory)),
            handler_cancellation=plain.handler_cancellation,
            loop=plain._loop,
            **plain._kwargs,
        )
        self._connection_limits = connections
        self._limits = limits
        self._cors = cors

    def __call__(self) -> GuardedHandler:
        """Return the handler of a new connection."""
        return GuardedHandler(self, self._connection_limits, self._limits, self._cors, loop=self._loop, **self._kwargs)

    def pre_shutdown(self) -> None:
        """Close the connections that receive no body. As released all close, and arriving bodies are lost."""
        for connection in self._guarded():
            if not connection.is_receiving:
                connection.close()

    async def wait_for_bodies(self, seconds: float) -> None:
        """Wait for the bodies that are arriving; close the connections whose bodies do not arrive in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                # aiohttp tells the end of a body only to its reader, so this polls.
                while any(each.is_receiving for each in self._guarded()):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        for connection in self._guarded():
            if connection.is_receiving:
                connection.force_close()
        super().pre_shutdown()

    def _guarded(self) -> list[GuardedHandler]:
        return cast(list[GuardedHandler], self.connections)


def with_early_responses(handler: Handler, cors: CorsPolicy) -> Handler:
    """Return the application's handler with checks in front, and with a problem document for each HTTPException."""

    async def handle(request: Request) -> StreamResponse:
        try:
            _check(request)
            response = secure(await handler(request))
        except HTTPException as exc:
            return early_response(exc, cors.headers(request.headers.get("Origin")), received_request_id(request))
        if _is_last(request):
            response.force_close()
        return response

    return handle


def _is_last(request: Request) -> bool:
    """Return whether the connection ends with this answer, which then says so (RFC 9112, section 9.6)."""
    return awaits_continue(request) or cast(GuardedHandler, request.protocol).is_closing


def _check(request: Request) -> None:
    """Refuse what the parser accepts: other versions of HTTP, too many bytes in all headers, an unknown ``Expect``.

    And a change that no client waits for any more; whose view has begun is ended by its deadline.
    """
    if request.version not in (HttpVersion10, HttpVersion11):
        raise HTTPBadRequest
    if sum(len(name) + len(value) for name, value in request.raw_headers) > MAX_HEAD_BYTES:
        raise HTTPRequestHeaderFieldsTooLarge
    check_expectation(request)
    if request.method not in SAFE_METHODS and cast(GuardedHandler, request.protocol).has_left:
        log.info("request_abandoned method=%s", request.method)
        raise HTTPRequestTimeout
