"""The connection to Redis (or Valkey) that the timelines and the caches share: one server, or a Redis Cluster.

Nothing is retried in here: a call fails within the store's time-out, the pool opens a new connection for the next
one, and the caller decides. So a server that comes back is used at once, without anybody being told. Where the address
leads to another server, or the server says that it is no primary, all connections are opened anew (``redis_pool``).
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from functools import partial
from typing import Any, Final, TypeAlias, cast

from redis import exceptions
from redis.asyncio import Redis as Client

from microblog_streams.aio.circuit_breaker import CircuitBreaker
from microblog_streams.aio.tasks import InFlight
from microblog_streams.config.settings import Settings
from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.stores.redis.address import is_cluster, is_replicated, open_cluster, open_pool
from microblog_streams.stores.redis.checks import Review, check, review
from microblog_streams.stores.redis.cluster import Cluster
from microblog_streams.stores.redis.pipeline import CommandBatcher, Send, line
from microblog_streams.stores.redis.pool import PrimaryPool
from microblog_streams.stores.redis.server import (
    ONLY,
    Answer,
    Command,
    Server,
    ServerCall,
    SlotMoving,
    at_start,
    info_of,
    not_primary,
    unavailable,
)

#: Connections of a worker. One core of the server answers them all, a push of 500 keys in about 1 ms (440,000 to
#: 690,000 a second), so more connections only move the queue from here into the server.
CONNECTIONS: Final = 32

_AT_ONCE: Final = nullcontext()
#: The keys of one call, which share a slot.
CallKeys: TypeAlias = Sequence[bytes]


class Redis:
    """One bounded pool of connections, or one for each server of a cluster. Keys and values are bytes both ways."""

    name = "redis"

    def __init__(self, settings: Settings) -> None:
        """Take the address and the time-out (seconds) from the settings; open nothing."""
        self._settings = settings
        self._timeout = settings.store_timeout
        self._client: Client | None = None
        self._cluster: Cluster | None = None  # the same, where it is one
        self._pool: PrimaryPool | None = None  # of the client, where it is none
        self._on_change: list[Callable[[], None]] = []
        self._circuit = CircuitBreaker(self.name, self._ask)
        self._in_flight = InFlight()
        #: Sends a small command together with the others of the moment; what changes something waits for no reader, and
        #: none of them for it. Raise as ``translated`` does.
        self.read, self.change = (CommandBatcher(self._line, self._meaning) for _ in range(2))
        #: Whether the keys of a call must share a slot, and only database 0 is there.
        self.clustered = is_cluster(settings)
        self._replicated = is_replicated(settings)
        #: Seconds between an effect and its acknowledgement.
        self.hold = settings.ack_hold
        #: What the servers' settings cannot keep of our promises, as it was when they were last read.
        self.warnings: Sequence[str] = ()
        #: How many replicas must have a write before the primary takes the next one, as it was then.
        self.copies = 0
        #: Why the last look at the primary proved nothing, None where it did.
        self.trouble: StoreUnavailable | None = None

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

    async def run_on(self, key: bytes, call: ServerCall[Answer]) -> Answer:
        """Put a question to the server that has a key. Raises StoreUnavailable.

        On a cluster it may be put again, to another server: where the slot has moved, the first one did nothing.
        """
        async with self.translated() as client:
            if self._cluster:
                return await self._cluster.run_on(key, call)
            return await call(_only(client))

    async def run_on_all(self, call: ServerCall[Answer]) -> Sequence[Answer]:
        """Put a question to the servers that have all keys together: the one, or a cluster's primaries as of now."""
        async with self.translated() as client:
            return await asyncio.gather(*(call(server) for server in self._servers(client)))

    async def run_on_current(self, call: ServerCall[Answer]) -> Sequence[Answer]:
        """Put a question to the server to which the address leads now, by a connection of its own; on a cluster to all.

        The connections of the pool may lead elsewhere: they find out by this one. Raises StoreUnavailable.
        """
        if self._cluster:
            return await self.run_on_all(call)
        async with self.translated() as client:
            pool = cast(PrimaryPool, client.connection_pool)
            async with pool.apart() as server:
                return [await call(server)]

    async def review(self) -> None:
        """Read the servers' settings again: ``warnings`` and ``copies``. Raises StoreUnavailable."""
        self._note(await self.run_on_all(self._review))

    @property
    def changes(self) -> int:
        """How often the address was found to lead to another run. A cluster's servers are told apart by themselves."""
        return self._pool.changes if self._pool else 0

    def on_change(self, told: Callable[[], None]) -> None:
        """Have a function called whenever the address leads to another run."""
        self._on_change.append(told)

    async def get_many(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        """Return the values of keys, in one round trip, or one for each of a cluster's servers, side by side."""
        if not self._cluster:
            return cast("list[bytes | None]", await self.read("MGET", *keys))
        async with self.translated() as client, client.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.get(key)
            return await pipe.execute()

    def by_server(self, calls: Iterable[CallKeys]) -> Mapping[str, Sequence[CallKeys]]:
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
            with self._in_flight.call():
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
        if self._pool and not_primary(error):
            self._pool.doubt(error)
        return passing

    async def connect(self) -> None:
        """Connect, and refuse servers that are too old or whose Lua does not compare strings by their bytes."""
        if self._client is not None:
            return
        client = self._open()
        try:
            async with asyncio.timeout(self._timeout), self._turn():
                servers = self._servers(client)
                for server in servers:
                    await self._check(server)
                self._note([await self._review(server) for server in servers])
            self._client = client
        except (exceptions.RedisError, OSError) as error:
            raise at_start(error) from error
        finally:
            if self._client is None:
                await client.aclose()

    async def ping(self) -> None:
        """Ask whether every primary is one, within the time-out, and whether the last look proved something."""
        await self.answers()
        if self.trouble is not None:
            raise self.trouble

    async def answers(self) -> None:
        """Ask for an answer, of every primary where there are several, within the time-out."""
        with self._circuit.call():
            await self._ask()

    async def _ask(self) -> None:
        async with self._bounded() as client:
            await asyncio.gather(*(info_of(server) for server in self._servers(client)))

    async def _check(self, server: Server) -> None:
        await check(server, clustered=self.clustered)

    async def _review(self, server: Server) -> Review:
        return await review(server, hold=self.hold, clustered=self.clustered, replicated=self._replicated)

    def _note(self, found: Sequence[Review]) -> None:
        self.warnings = list(dict.fromkeys(warning for each in found for warning in each.warnings))
        self.copies = max(each.copies for each in found)

    async def close(self) -> None:
        """Close all connections, once the calls under way have ended; calls after this raise StoreUnavailable."""
        self._circuit.close()
        client, self._client = self._client, None
        if client is not None:
            await self._in_flight.wait_ended(2 * self._timeout)
            await client.aclose()

    def _open(self) -> Client:
        if self.clustered:
            self._cluster = open_cluster(self._settings, CONNECTIONS)
            return cast(Client, self._cluster)
        self._pool = open_pool(self._settings, CONNECTIONS)
        self._pool.check, self._pool.on_change = self._check, self._on_change
        return Client.from_pool(self._pool)

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
