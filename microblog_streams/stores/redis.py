"""The connection to Redis (or Valkey) that the timelines and the caches share: one server, or a Redis Cluster.

Nothing is retried in here: a call fails within the store's time-out, the pool opens a new connection for the next
one, and the caller decides. So a server that comes back is used at once, without anybody being told.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from functools import partial
from typing import Any, Final, TypeAlias, cast

from redis import exceptions
from redis.asyncio import Redis as Client

from microblog_streams.errors import StoreUnavailable
from microblog_streams.settings import Settings
from microblog_streams.stores.circuit import Circuit
from microblog_streams.stores.redis_address import is_cluster, open_cluster, open_pool
from microblog_streams.stores.redis_checks import check, warnings
from microblog_streams.stores.redis_cluster import Cluster
from microblog_streams.stores.redis_errors import SlotMoving, at_start, unavailable
from microblog_streams.stores.redis_line import Send, line
from microblog_streams.stores.redis_server import ONLY, Answer, Command, Question, Server
from microblog_streams.stores.redis_together import Together
from microblog_streams.stores.under_way import UnderWay

#: Connections of a worker. One core of the server answers them all, a push of 500 keys in about 1 ms (440,000 to
#: 690,000 a second), so more connections only move the queue from here into the server.
CONNECTIONS: Final = 32

_AT_ONCE: Final = nullcontext()
#: The keys of one call, which share a slot.
Keys: TypeAlias = Sequence[bytes]


class Redis:
    """One bounded pool of connections, or one for each server of a cluster. Keys and values are bytes both ways."""

    name = "redis"

    def __init__(self, settings: Settings) -> None:
        """Take the address and the time-out (seconds) from the settings; open nothing."""
        self._settings = settings
        self._timeout = settings.store_timeout
        self._client: Client | None = None
        self._cluster: Cluster | None = None  # the same, where it is one
        self._circuit = Circuit(self.name, self._ask)
        self._under_way = UnderWay()
        #: Sends a small command together with the others of the moment; what changes something waits for no reader, and
        #: none of them for it. Raise as ``translated`` does.
        self.read, self.change = (Together(self._line, self._meaning) for _ in range(2))
        #: Whether the keys of a call must share a slot, and only database 0 is there.
        self.clustered = is_cluster(settings)
        #: What the servers' settings cannot keep of our promises, as it was at the last connect.
        self.warnings: Sequence[str] = ()

    @property
    def timeout(self) -> float:
        """Seconds after which a call is given up."""
        return self._timeout

    @property
    def client(self) -> Client:
        """The client of redis-py; StoreUnavailable before ``connect`` and after ``close``.

        A cluster's is none of the same class, but knows the same commands on one key, and pipelines of them.
        """
        if self._client is None:
            raise StoreUnavailable(self.name, "not connected")
        return self._client

    @asynccontextmanager
    async def translated(self) -> AsyncIterator[Client]:
        """Give the client for one call of a store: bounded by the time-out, errors as StoreUnavailable."""
        with self._circuit.call():
            async with self._bounded() as client:
                yield client

    async def ask(self, key: bytes, question: Question[Answer]) -> Answer:
        """Put a question to the server that has a key. Raises StoreUnavailable.

        On a cluster it may be put again, to another server: where the slot has moved, the first one did nothing.
        """
        async with self.translated() as client:
            if self._cluster:
                return await self._cluster.ask(key, question)
            return await question(_only(client))

    async def ask_all(self, question: Question[Answer]) -> Sequence[Answer]:
        """Put a question to the servers that have all keys together: the one, or a cluster's primaries as of now."""
        async with self.translated() as client:
            return await asyncio.gather(*(question(server) for server in self._servers(client)))

    async def get_many(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        """Return the values of keys, in one round trip, or one for each of a cluster's servers, side by side."""
        if not self._cluster:
            return cast("list[bytes | None]", await self.read("MGET", *keys))
        async with self.translated() as client, client.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.get(key)
            return await pipe.execute()

    def by_server(self, calls: Iterable[Keys]) -> Mapping[str, Sequence[Keys]]:
        """Sort calls by the name of the server that has their keys, as far as is known."""
        sorted_calls = defaultdict(list)
        for keys in calls:
            sorted_calls[self._cluster.holder(keys[0]).name if self._cluster else ONLY].append(keys)
        return sorted_calls

    @asynccontextmanager
    async def _line(self) -> AsyncIterator[Send]:
        """Give what sends pipelines one after the other; on a cluster each may go to several servers."""
        if self._cluster:
            yield self._pipeline
        else:
            async with line(self.translated) as send:
                yield send

    async def _pipeline(self, commands: Sequence[Command]) -> list[Any]:
        async with self.translated() as client:
            return await _together(client, commands)

    @asynccontextmanager
    async def _bounded(self) -> AsyncIterator[Client]:
        """Give the client, for as long as the time-out: it counts the wait for a free connection too."""
        client = self.client
        try:
            with self._under_way.call():
                async with asyncio.timeout(self._timeout), self._turn():
                    yield client
        except (exceptions.RedisError, OSError) as error:
            passing = self._meaning(error)
            if passing is None:
                raise
            raise passing from error

    def _meaning(self, error: Exception) -> StoreUnavailable | None:
        passing = unavailable(error)
        if self._cluster and passing and not isinstance(passing, SlotMoving):
            self._cluster.doubt()
        return passing

    async def connect(self) -> None:
        """Connect, and refuse servers that are too old or whose Lua does not compare strings by their bytes."""
        if self._client is not None:
            return
        client = self._open()
        try:
            async with asyncio.timeout(self._timeout), self._turn():
                for server in self._servers(client):
                    await check(server, clustered=self.clustered)
                found = [each for server in self._servers(client) for each in await warnings(server)]
            self._client, self.warnings = client, list(dict.fromkeys(found))
        except (exceptions.RedisError, OSError) as error:
            raise at_start(error) from error
        finally:
            if self._client is None:
                await client.aclose()

    async def ping(self) -> None:
        """Ask for an answer, of every primary where there are several, within the time-out."""
        with self._circuit.call():
            await self._ask()

    async def _ask(self) -> None:
        async with self._bounded() as client:
            await asyncio.gather(*(server.execute("PING") for server in self._servers(client)))

    async def close(self) -> None:
        """Close all connections, once the calls under way have ended; calls after this raise StoreUnavailable."""
        self._circuit.close()
        client, self._client = self._client, None
        if client is not None:
            await self._under_way.ended(2 * self._timeout)
            await client.aclose()

    def _open(self) -> Client:
        if self.clustered:
            self._cluster = open_cluster(self._settings, CONNECTIONS)
            return cast(Client, self._cluster)
        return Client.from_pool(open_pool(self._settings, CONNECTIONS))

    def _servers(self, client: Client) -> Sequence[Server]:
        return self._cluster.primaries() if self._cluster else [_only(client)]

    def _turn(self) -> AbstractAsyncContextManager[None]:
        return self._cluster.turn() if self._cluster else _AT_ONCE


def _only(client: Client) -> Server:
    return Server(ONLY, client.execute_command, partial(_together, client))


async def _together(client: Client, commands: Sequence[Command]) -> list[Any]:
    async with client.pipeline(transaction=False) as pipe:
        for command in commands:
            pipe.execute_command(*command)
        return await pipe.execute(raise_on_error=False)
