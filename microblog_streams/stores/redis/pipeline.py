"""Pipelines small concurrent commands: commands that are sent at about the same time share a round trip.

A command by itself costs the client some 60 us, in a pipeline a quarter of that. With many readers, or many small
posts, most of a worker's time goes there. Commands that arrive during a pipeline form the next one; a single caller
waits for no other.

``PipelineConnection`` keeps a connection over many pipelines. redis-py's pipeline takes one from the pool, checks it
for leftover data, sets two time-outs for the write and one for each answer, and returns it: with a few small commands
that is most of the client's work. Here a pipeline is one write and its answers; the caller sets the time-out.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from math import inf
from typing import Any, Final, TypeAlias

from redis.asyncio import Redis as Client
from redis.asyncio.connection import AbstractConnection, ConnectionPool
from redis.exceptions import RedisError, ResponseError

from microblog_streams.aio.batcher import SenderPool, set_outcome
from microblog_streams.stores.redis.server import Command

Open: TypeAlias = Callable[[], AbstractAsyncContextManager[Client]]
#: Sends commands in one write and returns the answers; an error reply (``ResponseError``) is returned in its place.
Send: TypeAlias = Callable[[Sequence[Command]], Awaitable[list[Any]]]

#: After so many pipelines the connection goes back to the pool, for other callers.
_PIPELINES_PER_CONNECTION: Final = 100


class PipelineConnection:
    """Sends pipelines to one server, one at a time."""

    def __init__(self, client: Open) -> None:
        """``client`` yields redis-py's client for one pipeline, with a time-out, and translates its errors."""
        self._client = client
        self._taken: tuple[ConnectionPool, AbstractConnection] | None = None
        self._left = 0

    async def send(self, commands: Sequence[Command]) -> list[Any]:
        """Return the answers. A failed pipeline breaks the connection; the pool reopens it before the next one."""
        if not self._left or self._marked_or_broken():
            await self.give_back()
        async with self._client() as client:
            connection = await self._connection(client)
            self._left -= 1
            await connection.send_packed_command(connection.pack_commands(commands), check_health=False)
            return [await _answer(connection) for _ in commands]

    async def give_back(self) -> None:
        """Return the connection to its pool."""
        if self._taken is not None:
            (pool, connection), self._taken = self._taken, None
            with suppress(RedisError, OSError):  # closing it failed; it is not used again
                await pool.release(connection)

    def _marked_or_broken(self) -> bool:
        """Return whether the pool has to reopen the connection.

        A broken one would by itself connect to the address that it had, without asking Sentinel.
        """
        if self._taken is None:
            return False
        connection = self._taken[1]
        return connection.should_reconnect() or not connection.is_connected  # type: ignore[no-untyped-call]

    async def _connection(self, client: Client) -> AbstractConnection:
        if self._taken is None:
            pool = client.connection_pool
            self._taken, self._left = (pool, await pool.get_connection()), _PIPELINES_PER_CONNECTION  # type: ignore[no-untyped-call]
        return self._taken[1]


async def _answer(connection: AbstractConnection) -> Any:  # noqa: ANN401 -- whatever the server answers
    try:
        return await connection.read_response(timeout=inf)
    except ResponseError as error:
        return error


@asynccontextmanager
async def pipeline_connection(client: Open) -> AsyncIterator[Send]:
    """Yield the send function of a connection that goes back to its pool at the end of the block."""
    connection = PipelineConnection(client)
    try:
        yield connection.send
    finally:
        await connection.give_back()


#: Commands of one pipeline: it occupies the server for some ms.
_MAX_COMMANDS: Final = 64
#: Concurrent pipelines, so that one stalled connection does not stop all commands.
_MAX_PIPELINES: Final = 2


class CommandBatcher:
    """Sends commands in pipelines. Repeating or abandoning a command must do no harm."""

    def __init__(
        self,
        open_line: Callable[[], AbstractAsyncContextManager[Send]],
        translate: Callable[[Exception], Exception | None],
    ) -> None:
        """``open_line`` yields a function that sends a pipeline, with a time-out.

        ``translate`` converts the error of a single command; None leaves it as it is.
        """
        self._open_line = open_line
        self._translate = translate
        self._waiting: list[tuple[Command, asyncio.Future[Any]]] = []
        self._senders = SenderPool(self._send_all, _MAX_PIPELINES)
        #: Pipelines that failed as a whole.
        self.failed = 0

    async def __call__(self, *command: bytes | str | int) -> Any:  # noqa: ANN401 -- whatever the server answers
        """Return the server's answer. Raises ResponseError for an error reply, StoreUnavailable.

        A cancellation before the command is sent drops it.
        """
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((command, answer))
        self._senders.wake()
        return await answer

    async def _send_all(self) -> None:
        while self._waiting:
            async with self._open_line() as send:
                while self._waiting:
                    await self._send_some(send)

    async def _send_some(self, send: Send) -> None:
        taken, self._waiting = self._waiting[:_MAX_COMMANDS], self._waiting[_MAX_COMMANDS:]
        if batch := [(command, answer) for command, answer in taken if not answer.done()]:
            for (_, answer), result in zip(batch, await self._results(send, batch), strict=True):
                translated = self._translate(result) if isinstance(result, Exception) else None
                set_outcome(answer, translated or result)

    async def _results(self, send: Send, batch: "Sequence[tuple[Command, asyncio.Future[Any]]]") -> list[Any]:
        try:
            return await send([command for command, _ in batch])
        except Exception as exc:
            self.failed += 1
            return [exc] * len(batch)
