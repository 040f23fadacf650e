"""The connection to Redis or Valkey, which all stores in Redis share: one server, or a Redis Cluster.

Nothing is retried here. A call fails within the store's time-out and its caller decides; the pool opens a new
connection for the next call, so that a restarted server is used at once. If the address leads to another server, or the
server reports that it is no primary, all connections are reopened (see ``pool``).
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Hashable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from functools import partial
from typing import Any, Final, TypeAlias, cast

from redis import exceptions
from redis.asyncio import Redis as Client
from redis.asyncio.connection import AbstractConnection

from microblog_streams.aio.failures import CircuitBreaker
from microblog_streams.aio.tasks import InFlight
from microblog_streams.config.settings import Settings
from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.stores.redis.address import is_cluster, is_replicated, open_cluster, open_pool
from microblog_streams.stores.redis.cluster import Cluster
from microblog_streams.stores.redis.pipeline import CommandBatcher, Send, pipeline_connection
from microblog_streams.stores.redis.pool import PrimaryPool
from microblog_streams.stores.redis.server import (
    ONLY,
    Answer,
    Command,
    Review,
    Server,
    ServerCall,
    SlotMoving,
    at_start,
    check,
    info_of,
    not_primary,
    review,
    unavailable,
)

#: Connections of a worker. One core of the server serves them all, a push of 500 keys in about 1 ms (440,000 to 690,000
#: keys a second), so more connections would only move the queue into the server.
MAX_CONNECTIONS: Final = 32

_NO_WAIT: Final = nullcontext()
#: The keys of one call; on a cluster they share a slot.
CallKeys: TypeAlias = Sequence[bytes]


class Redis:
    """A bounded pool of connections, or one for each server of a cluster. Keys and values are bytes."""

    name = "redis"

    def __init__(self, settings: Settings) -> None:
        """Read address and time-out (seconds) from the settings; open nothing."""
        self._settings = settings
        self._timeout = settings.store_timeout
        self._client: Client | None = None
        self._cluster: Cluster | None = None  # the client, if it is a cluster's
        self._pool: PrimaryPool | None = None  # the client's pool, if it is not
        self._on_change: list[Callable[[], None]] = []
        self._on_asking: list[Callable[[bytes], None]] = []
        self.circuit = CircuitBreaker(self.name, self._ask)
        self._in_flight = InFlight()
        #: Send a small command in a pipeline with others. Reads and changes have pipelines of their own, so neither
        #: waits for the other. Errors as from ``translated``.
        self.read, self.change = (CommandBatcher(self._line, self._translate) for _ in range(2))
        #: Whether Redis is a cluster: the keys of a call must share a slot, and only database 0 exists.
        self.clustered = is_cluster(settings)
        self._replicated = is_replicated(settings)
        #: The ack hold in seconds.
        self.hold = settings.ack_hold
        #: The warnings of the last durability checks.
        self.warnings: Sequence[str] = ()
        #: The number of replicas that the primary requires to follow, by the last durability checks.
        self.copies = 0
        #: Why the last run of the monitor did not prove writes durable, None if it did.
        self.trouble: StoreUnavailable | None = None

    @property
    def timeout(self) -> float:
        """The time-out of a call, in seconds."""
        return self._timeout

    @property
    def client(self) -> Client:
        """redis-py's client; raises StoreUnavailable before ``connect`` and after ``close``.

        A cluster's client is of another class with the same commands on one key, and pipelines of them.
        """
        if self._client is None:
            raise StoreUnavailable(self.name, "not connected")
        return self._client

    @asynccontextmanager
    async def translated(self) -> AsyncIterator[Client]:
        """Yield the client for one call, with the time-out; translate errors to StoreUnavailable."""
        with self.circuit.call():
            async with self._bounded() as client:
                yield client

    async def run_on(self, key: bytes, call: ServerCall[Answer]) -> Answer:
        """Run a call on the server that has a key. Raises StoreUnavailable.

        On a cluster it may run again on another server: after a redirection, the first server has done nothing.
        """
        async with self.translated() as client:
            if self._cluster:
                return await self._cluster.run_on(key, call)
            return await call(_only(client))

    async def run_on_all(self, call: ServerCall[Answer]) -> Sequence[Answer]:
        """Run a call on the only server, or on all primaries of a cluster."""
        async with self.translated() as client:
            return await asyncio.gather(*(call(server) for server in self._servers(client)))

    async def run_on_current(self, call: ServerCall[Answer]) -> Sequence[Answer]:
        """Run a call over a new connection on the server at the address; on a cluster, on all primaries.

        If the pool's connections lead elsewhere, this one finds it out and renews them. Raises StoreUnavailable.
        """
        if self._cluster:
            return await self.run_on_all(call)
        async with self.translated() as client:
            pool = cast(PrimaryPool, client.connection_pool)
            async with pool.apart() as server:
                return [await call(server)]

    async def review(self) -> None:
        """Run the durability checks: set ``warnings`` and ``copies``. Raises StoreUnavailable."""
        self._note(await self.run_on_all(self._review))

    @property
    def changes(self) -> int:
        """How often the address led to a new run; 0 on a cluster, where each server's run is known."""
        return self._pool.changes if self._pool else 0

    @property
    def servers(self) -> Hashable:
        """A value for the servers in use: it differs after a new run was found, or other primaries of a cluster."""
        return frozenset(node.name for node in self._cluster.get_primaries()) if self._cluster else self.changes

    @property
    def renewals(self) -> int:
        """How often all connections were opened anew; 0 on a cluster, where each server has its own."""
        return self._pool.renewals if self._pool else 0

    @property
    def failed_pipelines(self) -> int:
        """How many pipelines of small commands failed as a whole."""
        return self.read.failed + self.change.failed

    def on_change(self, callback: Callable[[], None]) -> None:
        """Register a callback for a new run at the address."""
        self._on_change.append(callback)

    def on_asking(self, callback: Callable[[bytes], None]) -> None:
        """Register a callback for the key of a call that goes to a cluster's server which is importing its slot."""
        self._on_asking.append(callback)

    async def get_many(self, keys: Sequence[str]) -> Sequence[bytes | None]:
        """Return the values of keys, in one round trip; on a cluster one for each server, concurrently."""
        if not keys:
            return []
        if not self._cluster:
            return cast("list[bytes | None]", await self.read("MGET", *keys))
        async with self.translated() as client, client.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.get(key)
            return await pipe.execute()

    def new_connection(self) -> AbstractConnection:
        """Return a connection outside the pools, to any server of a cluster, for the caller to open and close."""
        if self._cluster:
            node = self._cluster.get_primaries()[0]
            return cast(AbstractConnection, node.connection_class(**node.connection_kwargs))
        return self.client.connection_pool.make_connection()  # type: ignore[no-untyped-call, no-any-return]

    def by_server(self, calls: Iterable[CallKeys]) -> Mapping[str, Sequence[CallKeys]]:
        """Group calls by the name of the server that has their keys, by the slot table."""
        grouped = defaultdict(list)
        for keys in calls:
            grouped[self._cluster.holder(keys[0]).name if self._cluster else ONLY].append(keys)
        return grouped

    @asynccontextmanager
    async def _line(self) -> AsyncIterator[Send]:
        """Yield a function that sends a pipeline; on a cluster it may go to several servers."""
        if self._cluster:
            yield self._pipeline
        else:
            async with pipeline_connection(self.translated) as send:
                yield send

    async def _pipeline(self, commands: Sequence[Command]) -> list[Any]:
        async with self.translated() as client:
            return await _together(client, commands)

    @asynccontextmanager
    async def _bounded(self) -> AsyncIterator[Client]:
        """Yield the client, with a time-out that includes the wait for a free connection."""
        client = self.client
        try:
            with self._in_flight.call():
                async with asyncio.timeout(self._timeout), self._permit():
                    yield client
        except (exceptions.RedisError, OSError) as error:
            transient = self._translate(error)
            if transient is None:
                raise
            raise transient from error

    def _translate(self, error: Exception) -> StoreUnavailable | None:
        transient = unavailable(error)
        if self._cluster and transient and not isinstance(transient, SlotMoving):
            self._cluster.mark_stale()
        if self._pool and not_primary(error):
            self._pool.renew_after_refusal(error)
        return transient

    async def connect(self) -> None:
        """Connect. Raises SetupError for a server that ``server.check`` refuses."""
        if self._client is not None:
            return
        client = self._open()
        try:
            async with asyncio.timeout(self._timeout), self._permit():
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
        """Check that all primaries answer as such, within the time-out, and raise the monitor's ``trouble``."""
        await self.answers()
        if self.trouble is not None:
            raise self.trouble

    async def answers(self) -> None:
        """Make a round trip to all primaries, within the time-out."""
        with self.circuit.call():
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
        """Close all connections after the calls in flight; later calls raise StoreUnavailable."""
        self.circuit.close()
        client, self._client = self._client, None
        if client is not None:
            await self._in_flight.wait_ended(2 * self._timeout)
            await client.aclose()

    def _open(self) -> Client:
        if self.clustered:
            self._cluster = open_cluster(self._settings, MAX_CONNECTIONS)
            self._cluster.on_asking = self._on_asking
            return cast(Client, self._cluster)
        self._pool = open_pool(self._settings, MAX_CONNECTIONS)
        self._pool.check, self._pool.on_change = self._check, self._on_change
        return Client.from_pool(self._pool)

    def _servers(self, client: Client) -> Sequence[Server]:
        return self._cluster.primaries() if self._cluster else [_only(client)]

    def _permit(self) -> AbstractAsyncContextManager[None]:
        return self._cluster.permit() if self._cluster else _NO_WAIT


def _only(client: Client) -> Server:
    return Server(ONLY, client.execute_command, partial(_together, client))


async def _together(client: Client, commands: Sequence[Command]) -> list[Any]:
    async with client.pipeline(transaction=False) as pipe:
        for command in commands:
            pipe.execute_command(*command)
        return await pipe.execute(raise_on_error=False)
