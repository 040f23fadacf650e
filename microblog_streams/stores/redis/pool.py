"""The pool of connections to a Redis primary, and what our connections do differently from redis-py's.

All connections of a ``PrimaryPool`` lead to the same run of the same primary. An address can start to lead elsewhere: a
virtual IP, a DNS name or a proxy is switched over, or Sentinel names another primary. Open connections stay with the
old server, which may be a replica by now, or a primary that no other client still reaches. So each new connection asks
its server once for role and run. A replica is refused. At a new run, all other connections are reopened before their
next use.

``packing`` changes three things in a connection of redis-py for asyncio (redis-py 8.1, uvloop 0.23):

- hiredis packs the commands, as it does in redis-py's blocking client. redis-py's own loop took half of the client's
  time for a push of 500 keys.
- A write to a connection that the server has just closed raises ConnectionError. uvloop raises RuntimeError until the
  reader has seen the end, and redis-py passes that on: REST answered 500 instead of 503, and an effect that met it five
  times halted its partition.
- A time-out that strikes in the turn of the event loop in which a write ends is raised. redis-py writes within
  ``asyncio.wait_for``, which takes the write's result and drops the cancellation (Python 3.11, mended in 3.12); the
  time-out does not strike again. A worker that stood still in that turn, beside a server that does too, then waited for
  the answer until TCP gave up, and with it one of the two senders of small commands.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from math import inf
from time import monotonic
from typing import Any, Final

from redis.asyncio import BlockingConnectionPool
from redis.asyncio import Redis as Client
from redis.asyncio.connection import AbstractConnection
from redis.connection import HiredisRespSerializer
from redis.exceptions import ConnectionError as NotConnected
from redis.typing import EncodableT

from microblog_streams.domain.errors import SetupError
from microblog_streams.stores.redis.server import ONLY, Command, Server, Unfit, must_be_primary, read_info, run_of

logger = logging.getLogger(__name__)

#: Seconds between two renewals of all connections after refusals; the pause doubles from the first to the second. A
#: primary that lacks replicas for an hour refuses every write, and must not be reconnected to for each of them. A new
#: run resets the pause; ``run_monitor`` finds it.
RENEW_PAUSE_SECONDS, MAX_RENEW_PAUSE_SECONDS = 0.5, 30.0


class PrimaryPool(BlockingConnectionPool):
    """A bounded pool; a caller waits for a free connection."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 -- redis-py's own options
        """Take redis-py's options; open nothing."""
        super().__init__(redis_connect_func=self._greet, **options)
        #: Raises SetupError for a server that must not be used. Accepts any server by default.
        self.check: Callable[[Server], Awaitable[None]] = _accept
        #: How often a new run was found. Earlier writes may be lost after each.
        self.changes = 0
        #: Called at each new run.
        self.on_change: list[Callable[[], None]] = []
        #: How often all connections were marked to be reopened.
        self.renewals = 0
        self._run = ""
        self._renewed_at, self._pause = -inf, RENEW_PAUSE_SECONDS
        self._client = Client(connection_pool=self)

    def renew_after_refusal(self, reason: object) -> None:
        """Renew all connections, since a server replied that it is no usable primary; at most once in a pause."""
        since = monotonic() - self._renewed_at
        if since <= self._pause:
            return
        # A refusal long after the last one starts over with the short pause.
        is_new = since > MAX_RENEW_PAUSE_SECONDS * 2
        self._pause = RENEW_PAUSE_SECONDS if is_new else min(self._pause * 2, MAX_RENEW_PAUSE_SECONDS)
        self._renewed_at = monotonic()
        self.renew(reason)

    def renew(self, reason: object) -> None:
        """Mark every connection to be reopened before its next use; calls in progress are not interrupted."""
        for connection in (*self._get_free_connections(), *self._get_in_use_connections()):
            connection.mark_for_reconnect()  # type: ignore[no-untyped-call]
        self.renewals += 1
        logger.warning("redis_connections_renewed reason=%s", reason)

    async def close_idle(self) -> None:
        """Close the idle connections that are marked to be reopened."""
        for connection in list(self._get_free_connections()):
            await _close_marked(connection)

    @asynccontextmanager
    async def apart(self) -> AsyncIterator[Server]:
        """Yield the server to which the address leads now, over a connection outside the pool."""
        connection = self.make_connection()  # type: ignore[no-untyped-call]
        try:
            await connection.connect()
            yield self.server_on(connection)
        finally:
            await connection.disconnect(nowait=True)
            await self.close_idle()

    async def ensure_connection(self, connection: AbstractConnection) -> None:
        """Connect a connection that is closed or marked."""
        await _close_marked(connection)
        await super().ensure_connection(connection)

    async def release(self, connection: AbstractConnection) -> None:
        """Take a connection back. A marked one is closed here; redis-py would wait for the server to close its side."""
        await _close_marked(connection)
        await super().release(connection)

    def server_on(self, connection: AbstractConnection) -> Server:
        """Return the server at the other end of a connection."""

        async def execute(*command: Any) -> Any:  # noqa: ANN401 -- whatever the server answers
            await connection.send_command(*command)
            return await self._client.parse_response(connection, command[0])  # type: ignore[arg-type]

        async def together(commands: list[Command]) -> list[Any]:
            return [await execute(*command) for command in commands]

        return Server(ONLY, execute, together)  # type: ignore[arg-type]

    async def _greet(self, connection: AbstractConnection) -> None:
        """Log in, and check the server's role and run. Raises ReadOnlyError, Unfit."""
        await connection.on_connect()
        server = self.server_on(connection)
        info = await read_info(server)
        run = run_of(info)
        if run != self._run:
            await self._approve(server)  # before the role: a server of the wrong kind is unfit in every role
        must_be_primary(info)
        if run != self._run:  # another connection may have found it during the await
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
        self._run, self._pause = run, RENEW_PAUSE_SECONDS
        self.changes += 1
        for callback in self.on_change:
            callback()


async def _accept(_: Server) -> None:
    return None


async def _close_marked(connection: AbstractConnection) -> None:
    """Close a marked connection, without an await during which another task could take it."""
    if connection.should_reconnect():  # type: ignore[no-untyped-call]
        await connection.disconnect(nowait=True)


_serializer: Any = HiredisRespSerializer()
#: The text of uvloop's RuntimeError for a closed transport; it has no class of its own.
_CLOSED: Final = "the handler is closed"


class _Packing(AbstractConnection):
    def pack_command(self, *args: EncodableT) -> list[bytes]:
        """Return one command's bytes. Raises DataError for an argument that is not bytes, text or a number."""
        packed: list[bytes] = _serializer.pack(*args)
        return packed

    async def send_packed_command(self, command: bytes | str | Iterable[bytes], check_health: bool = True) -> None:
        """Send bytes. Raises redis-py's ConnectionError if the connection is closed."""
        task = asyncio.current_task()
        cancelled_before = task.cancelling() if task else 0
        try:
            await super().send_packed_command(command, check_health)
        except RuntimeError as error:
            if _CLOSED not in str(error):
                raise
            raise NotConnected("Connection closed by server.") from error
        if task and task.cancelling() > cancelled_before:
            await self.disconnect(nowait=True)
            raise asyncio.CancelledError


def packing(connection: type[AbstractConnection]) -> type[AbstractConnection]:
    """Return a subclass of a connection class with these changes."""
    return type(f"Packing{connection.__name__}", (_Packing, connection), {})
