"""The connection to Redis (or Valkey) that the timelines and the caches share, and its errors in our own words.

Nothing is retried in here: a call fails within the store's time-out, the pool opens a new connection for the next
one, and the caller decides. So a server that comes back is used at once, without anybody being told.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

from redis import exceptions
from redis.asyncio import Redis as Client

from microblog_streams import tls
from microblog_streams.errors import NoAnswer, SetupError, StoreUnavailable
from microblog_streams.settings import Settings
from microblog_streams.stores.circuit import Circuit
from microblog_streams.stores.redis_address import open_pool
from microblog_streams.stores.redis_together import Together

#: Connections of a worker. One core of the server answers them all, a push of 500 keys in about 1 ms (440,000 to
#: 690,000 a second), so more connections only move the queue from here into the server.
CONNECTIONS: Final = 32
#: Redis 7.0 brought the Lua functions that timelines are made of.
OLDEST: Final = (7, 0)
#: Strings in the order of their bytes, each pair of which some locale puts the other way round or calls equal.
#: Timelines compare ids in Lua, and Lua compares by the server's locale.
IN_BYTE_ORDER: Final = (
    b"\x00",
    b"\x00\x01",
    b"-b",
    b"Z",
    b"_b",
    b"a",
    b"a\x00",
    b"a\x00\x01",
    b"\x7f",
    b"\x80",
    b"\xff",
)
#: Redis' settings that keep what we promise, and their good values: a timeline may expire but not be evicted at random,
#: and a restart brings back what was acknowledged.
SAFE: Final = {"maxmemory-policy": ("volatile-ttl", "noeviction"), "appendonly": ("yes",)}
ORDER_PROBE: Final = "for i = 2, #ARGV do if not (ARGV[i - 1] < ARGV[i]) then return 0 end end return 1"

_TRANSIENT: Final = (
    exceptions.ConnectionError,  # also LOADING, and no free connection in the pool in time
    exceptions.OutOfMemoryError,
    exceptions.ReadOnlyError,  # a failover is under way
    exceptions.ClusterDownError,  # also MASTERDOWN
    exceptions.TryAgainError,
    OSError,
)
#: Replies that redis-py has no class for and that pass by themselves or once an operator has acted.
_TRANSIENT_CODES: Final = re.compile(r"(^|caused error: )(MISCONF|BUSY|UNKILLABLE|NOREPLICAS)\b")


def unavailable(error: Exception) -> StoreUnavailable | None:
    """Return what an error of redis-py is to callers, None where trying again would not help."""
    if isinstance(error, exceptions.TimeoutError | TimeoutError):
        return NoAnswer("redis", "no answer in time")
    if isinstance(error, _TRANSIENT) or _TRANSIENT_CODES.search(str(error)):
        return StoreUnavailable("redis", error)
    return None


class Redis:
    """One bounded pool of connections. Keys and values are bytes both ways."""

    name = "redis"

    def __init__(self, settings: Settings) -> None:
        """Take the address and the time-out (seconds) from the settings; open nothing."""
        self._settings = settings
        self._timeout = settings.store_timeout
        self._client: Client | None = None
        self._circuit = Circuit(self.name, self._ask)
        #: Sends a small command together with the others of the moment; what changes something waits for no reader, and
        #: none of them for it. Raise as ``translated`` does.
        self.read, self.change = (Together(self.translated, unavailable) for _ in range(2))
        #: What this server's settings cannot keep of our promises, as it was at the last connect.
        self.warnings: Sequence[str] = ()

    @property
    def timeout(self) -> float:
        """Seconds after which a call is given up."""
        return self._timeout

    @property
    def client(self) -> Client:
        """The client of redis-py; StoreUnavailable before ``connect`` and after ``close``."""
        if self._client is None:
            raise StoreUnavailable(self.name, "not connected")
        return self._client

    @asynccontextmanager
    async def translated(self) -> AsyncIterator[Client]:
        """Give the client for one call of a store: bounded by the time-out, errors as StoreUnavailable."""
        with self._circuit.call():
            async with self._bounded() as client:
                yield client

    @asynccontextmanager
    async def _bounded(self) -> AsyncIterator[Client]:
        """Give the client, for as long as the time-out: it counts the wait for a free connection too."""
        client = self.client
        try:
            async with asyncio.timeout(self._timeout):
                yield client
        except (exceptions.RedisError, OSError) as error:
            passing = unavailable(error)
            if passing is None:
                raise
            raise passing from error

    async def connect(self) -> None:
        """Connect, and refuse a server that is too old or whose Lua does not compare strings by their bytes."""
        if self._client is not None:
            return
        client = self._open()
        try:
            async with asyncio.timeout(self._timeout):
                _check_version(await client.info("server"))
                await _check_order(client)
                self.warnings = await _warnings(client)
            self._client = client
        except (exceptions.RedisError, OSError) as error:
            raise _at_start(error) from error
        finally:
            if self._client is None:
                await client.aclose()

    async def ping(self) -> None:
        """Ask the server for an answer, within the time-out."""
        async with self.translated() as client:
            await client.ping()

    async def _ask(self) -> None:
        async with self._bounded() as client:
            await client.ping()

    async def close(self) -> None:
        """Close all connections; calls after this raise StoreUnavailable."""
        self._circuit.close()
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _open(self) -> Client:
        return Client.from_pool(open_pool(self._settings, CONNECTIONS))


def _at_start(error: Exception) -> Exception:
    """Return what ``connect`` raises for an error: SetupError where waiting would never mend it."""
    if isinstance(error, exceptions.AuthenticationError | exceptions.AuthorizationError | exceptions.NoPermissionError):
        return SetupError(f"Redis refuses the login in MICROBLOG_REDIS_URL: {error}")
    if tls.distrusts(error):
        return SetupError(f"The certificate of Redis is not trusted: {error}. See MICROBLOG_REDIS_CA.")
    return unavailable(error) or SetupError(f"Redis at MICROBLOG_REDIS_URL cannot be used: {error}")


def _check_version(info: Mapping[str, object]) -> None:
    """Raise SetupError for a server older than ``OLDEST``. Valkey says which Redis it is compatible with."""
    version = str(info.get("redis_version", "0"))
    if tuple(int(part) for part in re.findall(r"\d+", version)[:2]) < OLDEST:
        needed = ".".join(map(str, OLDEST))
        raise SetupError(f"Redis {version} at MICROBLOG_REDIS_URL is too old: {needed} or newer, or Valkey, is needed.")


async def _check_order(client: Client) -> None:
    """Raise SetupError where the server's Lua does not compare strings by their bytes."""
    if not await client.eval_ro(ORDER_PROBE, 0, *IN_BYTE_ORDER):
        raise SetupError(
            "Redis at MICROBLOG_REDIS_URL compares strings by a locale, which would disorder timelines: "
            "set `locale-collate C` (Valkey, Redis 7.2), or start the server with LC_ALL=C."
        )


async def _warnings(client: Client) -> list[str]:
    """Ask for the settings in ``SAFE``; return what is wrong with them. Hosted servers often do not tell."""
    try:
        told = await client.config_get(*SAFE)
    except exceptions.ResponseError:
        told = None
    if not isinstance(told, Mapping):
        told = {}
    found = {_text(name): _text(value) for name, value in told.items()}
    return [
        f"redis: {name} is {found[name]}, not {' or '.join(good)}"
        if name in found
        else f"redis: {name} is not known; it must be {' or '.join(good)}"
        for name, good in SAFE.items()
        if found.get(name) not in good
    ]


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
