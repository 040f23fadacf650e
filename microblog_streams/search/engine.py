"""The connection to the search engine: OpenSearch 2 or 3, or Elasticsearch 8 or 9, by opensearch-py's async client.

One request has one try and one time-out: ``deliver`` repeats writes, and a reader is answered with a 503. The circuit
breaker refuses calls while the engine is silent, as for every store. A login that is refused once it was accepted is
waited for like an engine that is away: while a password is changed, all events would become dead letters.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from typing import Any, Final

from microblog_streams.aio.failures import CircuitBreaker
from microblog_streams.config import addresses
from microblog_streams.config.infrastructure_settings import client_context
from microblog_streams.config.settings import Settings
from microblog_streams.domain.errors import NoAnswer, SetupError, StoreUnavailable

NAME: Final = "search"
_DEFAULT_PORT: Final = 9200
#: Statuses of what passes: too many requests, a full disk (the indices are read-only then), a starting or busy node, a
#: request above the limit of a proxy, which says nothing of any document in it.
_PASSING: Final = frozenset({403, 408, 413, 429, 500, 502, 503, 504})
#: Connections of a worker to each node.
_CONNECTIONS: Final = 10
#: Seconds of a bulk request: it may wait for a merge, and no reader waits for it.
BULK_SECONDS: Final = 30.0

Json = dict[str, Any]


class LoginRefused(StoreUnavailable):
    """The engine refuses the login. At the start that is an error of the settings; later it may know it again."""


class Engine:
    """A pool of connections."""

    name = NAME

    def __init__(self, settings: Settings, required: bool = False) -> None:
        """Read address and time-out (seconds) from the settings; open nothing.

        ``required``: a login that is refused at the start, or unusable certificates, end the process. A worker goes on
        without its search.
        """
        self._settings = settings
        self._required = required
        self.timeout = settings.store_timeout
        self.circuit = CircuitBreaker(self.name, self._ping)
        self._client: Any = None

    async def connect(self) -> None:
        """Open the pool and make a round trip. Raises StoreUnavailable, and SetupError where it is ``required``."""
        try:
            await self._connect()
        except LoginRefused as exc:
            if self._required:
                raise SetupError(str(exc.reason)) from exc
            raise
        except SetupError as exc:
            if self._required:
                raise
            raise StoreUnavailable(self.name, exc) from exc

    async def _connect(self) -> None:
        if self._client is None:
            await self._knock()
            module = await asyncio.to_thread(import_module, "opensearchpy")
            self._client = module.AsyncOpenSearch(**self._options())
        await self._ping()

    async def _knock(self) -> None:
        """Raise StoreUnavailable where no node accepts a connection.

        The client takes half a second of CPU to import. A worker whose engine starts later must not lose that while
        it starts itself.
        """
        failure: OSError | None = None
        for node in self._options()["hosts"]:
            try:
                async with asyncio.timeout(self.timeout):
                    _, writer = await asyncio.open_connection(node["host"], node["port"])
            except OSError as exc:  # also TimeoutError
                failure = exc
            else:
                writer.close()
                return
        raise StoreUnavailable(self.name, type(failure).__name__)

    def _options(self) -> Json:
        settings = self._settings
        address = addresses.parse(settings.search_url.get_secret_value())
        tls = address.scheme == "https"
        context = client_context("MICROBLOG_SEARCH", settings.search_ca, None, None) if tls else None
        return {
            "hosts": [{"host": host, "port": port} for host, port in address.hosts_with_ports(_DEFAULT_PORT)],
            "use_ssl": tls,
            "ssl_context": context,
            "http_auth": (address.user, address.password or "") if address.user else None,
            "timeout": BULK_SECONDS,  # each call has its own below
            "max_retries": 0,
            "pool_maxsize": _CONNECTIONS,
        }

    async def ping(self) -> None:
        """Make a round trip, within the time-out."""
        with self.circuit.call():
            await self._ping()

    async def _ping(self) -> None:
        """Raise StoreUnavailable for whatever is no engine's answer: a proxy's error, a page of another server."""
        try:
            await self._guarded(lambda client: client.info())
        except StoreUnavailable:
            raise
        except Exception as exc:
            answer = getattr(exc, "status_code", type(exc).__name__)  # not its text, which /health would show
            raise StoreUnavailable(self.name, f"what answers is no engine ({answer})") from exc

    async def call(self, send: Callable[[Any], Awaitable[Json]], seconds: float | None = None) -> Json:
        """Return the answer to what ``send`` asks the client. ``seconds``: the limit, by default the store's time-out.

        Raises StoreUnavailable; also where an index is missing, which the indexer makes when it starts.
        """
        with self.circuit.call():
            return await self._guarded(send, seconds)

    async def _guarded(self, send: Callable[[Any], Awaitable[Json]], seconds: float | None = None) -> Json:
        if self._client is None:
            raise StoreUnavailable(self.name, "it is not connected yet")
        import opensearchpy

        try:
            async with asyncio.timeout(seconds or self.timeout):
                return await send(self._client)
        except (TimeoutError, opensearchpy.ConnectionTimeout):
            raise NoAnswer(self.name, f"no answer within {seconds or self.timeout:g} s") from None
        except opensearchpy.AuthenticationException as exc:
            raise LoginRefused(self.name, "MICROBLOG_SEARCH_URL: the engine refuses this login") from exc
        except opensearchpy.ConnectionError as exc:
            raise StoreUnavailable(self.name, type(exc.info).__name__) from exc
        except opensearchpy.NotFoundError as exc:
            raise StoreUnavailable(self.name, f"not there yet: {exc.error}") from exc
        except opensearchpy.TransportError as exc:
            if exc.status_code not in _PASSING:
                raise
            raise StoreUnavailable(self.name, f"status {exc.status_code}: {exc.error}") from exc

    async def close(self) -> None:
        """Close all connections; later calls raise StoreUnavailable."""
        self.circuit.close()
        client, self._client = self._client, None
        if client is not None:
            await client.close()


def is_passing(status: int) -> bool:
    """Return whether a document's status is of a failure that passes, so that it must be written again."""
    return status in _PASSING or status == 404  # 404: the index is being switched


def reason(item: Mapping[str, Any]) -> str:
    """Return why the engine refused a document, from its part of a bulk request's answer."""
    error = item.get("error") or {}
    return f"{error.get('type')}: {error.get('reason')}" if isinstance(error, dict) else str(error)
