"""A pool whose connections all lead to the same run of the same primary.

An address may lead elsewhere than a moment ago: a virtual IP, a DNS name or a proxy is switched over, or Sentinel names
another primary. Connections that are open stay with the old server, which may be a replica by now, or a primary that
only we still reach. So each connection asks its server, once, when it is opened, for its role and its run: one that is
no primary is not used, and where it is another run all other connections are opened anew before their next use.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from math import inf
from time import monotonic
from typing import Any

from redis.asyncio import BlockingConnectionPool
from redis.asyncio import Redis as Client
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as NotConnected

from microblog_streams.domain.errors import SetupError
from microblog_streams.stores.redis.primary import must_be_primary, run_of, told_by
from microblog_streams.stores.redis.server import ONLY, Command, Server

logger = logging.getLogger(__name__)

#: Seconds between two times that the connections are opened anew because a server refused something: at first, and at
#: most. The pause doubles: a primary that is short of replicas for an hour refuses every write, and need not be
#: connected to for each of them. Another run ends the pause, and the looks of ``redis_run`` find it.
DOUBT_EVERY, DOUBT_AT_MOST_EVERY = 0.5, 30.0


class Unfit(NotConnected):
    """The address leads to a server that must not be used: too old, or with another order of strings."""


class PrimaryPool(BlockingConnectionPool):
    """As many connections as are allowed; who wants one more waits."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 -- redis-py's own options
        """Take redis-py's options; open nothing."""
        super().__init__(redis_connect_func=self._greet, **options)
        #: Raises SetupError for a server that must not be used; any will do unless the pool's owner says otherwise.
        self.check: Callable[[Server], Awaitable[None]] = _accept
        #: How often another run was found: what was written before may be lost after each.
        self.changes = 0
        #: Told of each of them.
        self.on_change: list[Callable[[], None]] = []
        self._run = ""
        self._doubted, self._pause = -inf, DOUBT_EVERY
        self._client = Client(connection_pool=self)

    def doubt(self, reason: object) -> None:
        """Open all connections anew before their next use: a server said that it is no primary, or no usable one."""
        since = monotonic() - self._doubted
        if since <= self._pause:
            return
        # A refusal long after the last one is another trouble.
        self._pause = DOUBT_EVERY if since > DOUBT_AT_MOST_EVERY * 2 else min(self._pause * 2, DOUBT_AT_MOST_EVERY)
        self._doubted = monotonic()
        self.renew(reason)

    def renew(self, reason: object) -> None:
        """Have every connection opened anew before its next use; calls under way end as they end."""
        for connection in (*self._get_free_connections(), *self._get_in_use_connections()):
            connection.mark_for_reconnect()  # type: ignore[no-untyped-call]
        logger.warning("redis_connections_renewed reason=%s", reason)

    async def close_idle(self) -> None:
        """Close those connections that are to be opened anew and are not in use."""
        for connection in list(self._get_free_connections()):
            await _close_marked(connection)

    @asynccontextmanager
    async def apart(self) -> AsyncIterator[Server]:
        """Give the server to which the address leads now, by a connection that is none of the pool's."""
        connection = self.make_connection()  # type: ignore[no-untyped-call]
        try:
            await connection.connect()
            yield self.server_on(connection)
        finally:
            await connection.disconnect(nowait=True)
            await self.close_idle()

    async def ensure_connection(self, connection: AbstractConnection) -> None:
        """Connect what is not connected, or was marked since."""
        await _close_marked(connection)
        await super().ensure_connection(connection)

    async def release(self, connection: AbstractConnection) -> None:
        """Take a connection back. One that is marked is closed here, since redis-py waits for the server's good-bye."""
        await _close_marked(connection)
        await super().release(connection)

    def server_on(self, connection: AbstractConnection) -> Server:
        """Return the server at the other end of one connection."""

        async def execute(*command: Any) -> Any:  # noqa: ANN401 -- whatever the server answers
            await connection.send_command(*command)
            return await self._client.parse_response(connection, command[0])  # type: ignore[arg-type]

        async def together(commands: list[Command]) -> list[Any]:
            return [await execute(*command) for command in commands]

        return Server(ONLY, execute, together)  # type: ignore[arg-type]

    async def _greet(self, connection: AbstractConnection) -> None:
        """Log in, and find out where the connection leads. Raises ReadOnlyError, Unfit."""
        await connection.on_connect()
        server = self.server_on(connection)
        info = await told_by(server)
        run = run_of(info)
        if run != self._run:
            await self._approve(server)  # first: what is of the wrong kind is so in every role
        must_be_primary(info)
        if run != self._run:  # no other connection has found it meanwhile
            self._enter(run)
            connection.reset_should_reconnect()  # type: ignore[no-untyped-call]

    async def _approve(self, server: Server) -> None:
        try:
            await self.check(server)
        except SetupError as error:
            raise Unfit(str(error)) from error

    def _enter(self, run: str) -> None:
        if self._run:
            self.renew("the address leads to another run")
        self._run, self._pause = run, DOUBT_EVERY
        self.changes += 1
        for told in self.on_change:
            told()


async def _accept(_: Server) -> None:
    return None


async def _close_marked(connection: AbstractConnection) -> None:
    """Close a connection that is to be opened anew, without a wait in which somebody else could take it."""
    if connection.should_reconnect():  # type: ignore[no-untyped-call]
        await connection.disconnect(nowait=True)
