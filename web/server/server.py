"""The server that makes guarded connections, and the runner that makes the server.

What aiohttp raises before it calls a middleware (an ``Expect`` that nobody knows, quoted in a plain text) is answered
here like every other error.
"""

import asyncio
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
    Request,
    Server,
    StreamResponse,
)

from web.middlewares.cors import CorsPolicy
from web.middlewares.request_ids import given
from web.server import expect_continue
from web.server.connection import GuardedHandler
from web.server.connection_limits import ConnectionLimits
from web.server.early_responses import refuse
from web.server.limits import ARRIVE, FINISH, KEEP_ALIVE, LINGER, MAX_HEAD, MAX_HEADER, MAX_HEADERS, MAX_URL, Limits
from web.server.security_headers import discreet


class GuardedServer(Server):
    """aiohttp's server with another class of connections."""

    def __init__(self, plain: Server, door: ConnectionLimits, limits: Limits, sharing: CorsPolicy) -> None:
        """Do what ``plain`` would."""
        super().__init__(
            cast(Any, answered(plain.request_handler, sharing)),  # it is always given requests of the application
            request_factory=cast(Any, expect_continue.expecting(plain.request_factory)),
            handler_cancellation=plain.handler_cancellation,
            loop=plain._loop,
            **plain._kwargs,
        )
        self._door = door
        self._limits = limits
        self._sharing = sharing

    def __call__(self) -> GuardedHandler:
        """Return what serves one connection."""
        return GuardedHandler(self, self._door, self._limits, self._sharing, loop=self._loop, **self._kwargs)

    def pre_shutdown(self) -> None:
        """Close what is idle. As released all are closed to whatever comes, and a body on its way is lost."""
        for connection in self._guarded():
            if not connection.receiving:
                connection.close()

    async def arrived(self, seconds: float) -> None:
        """Wait for the bodies that are on their way; cut off those that do not come in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                # A body's end is told to its reader alone.
                while any(each.receiving for each in self._guarded()):  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        for connection in self._guarded():
            if connection.receiving:
                connection.force_close()
        super().pre_shutdown()

    def _guarded(self) -> list[GuardedHandler]:
        return cast(list[GuardedHandler], self.connections)


class GuardedRunner(AppRunner):
    """aiohttp's runner with another class of server."""

    def __init__(self, app: Application, door: ConnectionLimits, limits: Limits, sharing: CorsPolicy) -> None:
        """Run ``app`` with every limit that aiohttp has set on purpose."""
        super().__init__(
            app,
            access_log=None,
            max_line_size=MAX_URL,
            max_field_size=MAX_HEADER,
            max_headers=MAX_HEADERS,
            keepalive_timeout=KEEP_ALIVE,
            lingering_time=LINGER,
            shutdown_timeout=FINISH,
            # Bodies are small, and what a few bytes unfold to is not: see web.http.body.
            auto_decompress=False,
        )
        self._door = door
        self._limits = limits
        self._sharing = sharing

    async def shutdown(self) -> None:
        """Give the requests that are arriving their time; aiohttp then waits for their answers."""
        await cast(GuardedServer, self.server).arrived(ARRIVE)
        await super().shutdown()

    async def _make_server(self) -> Server:
        return GuardedServer(await super()._make_server(), self._door, self._limits, self._sharing)


def answered(handler: Handler, sharing: CorsPolicy) -> Handler:
    """Return the application's handler, whose every exception is answered as a problem."""

    async def handle(request: Request) -> StreamResponse:
        try:
            _check(request)
            response = discreet(await handler(request))
        except HTTPException as exc:
            return refuse(exc, sharing.headers(request.headers.get("Origin")), given(request))
        if _is_last(request):
            response.force_close()
        return response

    return handle


def _is_last(request: Request) -> bool:
    """Tell whether the connection ends with this answer, which then says so (RFC 9112, section 9.6)."""
    return expect_continue.waits(request) or cast(GuardedHandler, request.protocol).closing


def _check(request: Request) -> None:
    """Refuse what the parser lets pass: versions of HTTP that are none of ours, and too much in all headers."""
    if request.version not in (HttpVersion10, HttpVersion11):
        raise HTTPBadRequest
    if sum(len(name) + len(value) for name, value in request.raw_headers) > MAX_HEAD:
        raise HTTPRequestHeaderFieldsTooLarge
    expect_continue.check(request)
