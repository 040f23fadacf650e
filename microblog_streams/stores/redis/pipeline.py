"""Small commands that are to be sent at about the same time go to the server together, in one pipeline.

A call by itself costs the client some 60 us, in a pipeline a quarter of that: with many readers, or many small posts,
the worker's time goes there. What is asked while others are under way goes into the next pipeline: so a caller alone
waits for nobody, and the more there are the less each costs.

A connection on which one pipeline follows the other, for as long as there is something to send.

redis-py's own pipeline takes a connection from the pool, looks whether something is left on it, sets two time-outs for
the write and one for each answer, and gives it back: with a few small commands that is most of the client's work.
Here a connection is taken for many, and a pipeline is one write and its answers; whoever calls bounds it in time.
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
#: Sends commands together; a refusal (``ResponseError``) is returned in its place.
Send: TypeAlias = Callable[[Sequence[Command]], Awaitable[list[Any]]]

#: Pipelines until a connection goes back to the pool, so that others have it too.
_PIPELINES_PER_CONNECTION: Final = 100


class PipelineConnection:
    """One server's pipelines, one at a time."""

    def __init__(self, client: Open) -> None:
        """``client`` gives redis-py's client for one pipeline, bounded in time, with its errors in our words."""
        self._client = client
        self._taken: tuple[ConnectionPool, AbstractConnection] | None = None
        self._left = 0

    async def send(self, commands: Sequence[Command]) -> list[Any]:
        """Return the answers. One that broke off broke the connection, which the next pipeline opens anew."""
        if not self._left or self._marked():
            await self.give_back()
        async with self._client() as client:
            connection = await self._connection(client)
            self._left -= 1
            await connection.send_packed_command(connection.pack_commands(commands), check_health=False)
            return [await _answer(connection) for _ in commands]

    async def give_back(self) -> None:
        """Give the connection back to the pool that it came from."""
        if self._taken is not None:
            (pool, connection), self._taken = self._taken, None
            with suppress(RedisError, OSError):  # it could not be closed, and is not used again
                await pool.release(connection)

    def _marked(self) -> bool:
        """Tell whether the pool wants the connection back, because its server may be the primary no more."""
        return self._taken is not None and self._taken[1].should_reconnect()  # type: ignore[no-untyped-call]

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
async def line(client: Open) -> AsyncIterator[Send]:
    """Give what sends pipelines on a line, which ends with the block."""
    one = PipelineConnection(client)
    try:
        yield one.send
    finally:
        await one.give_back()


#: Commands of one pipeline: some ms of the server, for which others wait.
_MAX_COMMANDS: Final = 64
#: Pipelines under way at a time: a connection that has stalled must not hold everybody up.
_MAX_PIPELINES: Final = 2


class CommandBatcher:
    """A few pipelines at a time. Commands must be such that it does no harm to repeat one, or to give it up."""

    def __init__(
        self, line: Callable[[], AbstractAsyncContextManager[Send]], meaning: Callable[[Exception], Exception | None]
    ) -> None:
        """``line`` gives what sends pipelines one after the other, each bounded in time.

        ``meaning`` says what a single command's error is in our words, None where it has no word for it.
        """
        self._line = line
        self._meaning = meaning
        self._waiting: list[tuple[Command, asyncio.Future[Any]]] = []
        self._senders = SenderPool(self._send_all, _MAX_PIPELINES)

    async def __call__(self, *command: bytes | str | int) -> Any:  # noqa: ANN401 -- whatever the server answers
        """Return the server's answer. Raises its refusal (``ResponseError``), StoreUnavailable.

        Who is cancelled before the command went out has it not sent.
        """
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((command, answer))
        self._senders.wake()
        return await answer

    async def _send_all(self) -> None:
        while self._waiting:
            async with self._line() as send:
                while self._waiting:
                    await self._send_some(send)

    async def _send_some(self, send: Send) -> None:
        taken, self._waiting = self._waiting[:_MAX_COMMANDS], self._waiting[_MAX_COMMANDS:]
        if batch := [(command, answer) for command, answer in taken if not answer.done()]:
            for (_, answer), result in zip(batch, await _results(send, batch), strict=True):
                meaning = self._meaning(result) if isinstance(result, Exception) else None
                set_outcome(answer, meaning or result)


async def _results(send: Send, batch: "Sequence[tuple[Command, asyncio.Future[Any]]]") -> list[Any]:
    try:
        return await send([command for command, _ in batch])
    except Exception as exc:
        return [exc] * len(batch)
