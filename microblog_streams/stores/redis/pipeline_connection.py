"""A connection on which one pipeline follows the other, for as long as there is something to send.

redis-py's own pipeline takes a connection from the pool, looks whether something is left on it, sets two time-outs for
the write and one for each answer, and gives it back: with a few small commands that is most of the client's work.
Here a connection is taken for many, and a pipeline is one write and its answers; whoever calls bounds it in time.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from math import inf
from typing import Any, Final, TypeAlias

from redis.asyncio import Redis as Client
from redis.asyncio.connection import AbstractConnection, ConnectionPool
from redis.exceptions import RedisError, ResponseError

from microblog_streams.stores.redis.server import Command

Open: TypeAlias = Callable[[], AbstractAsyncContextManager[Client]]
#: Sends commands together; a refusal (``ResponseError``) is returned in its place.
Send: TypeAlias = Callable[[Sequence[Command]], Awaitable[list[Any]]]

#: Pipelines until a connection goes back to the pool, so that others have it too.
MOST: Final = 100


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
            self._taken, self._left = (pool, await pool.get_connection()), MOST  # type: ignore[no-untyped-call]
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
