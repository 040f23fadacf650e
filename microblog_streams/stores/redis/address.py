"""From ``MICROBLOG_REDIS_URL`` to connections: to one server, to the primary that Sentinel names, or to a cluster."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from redis.asyncio import Sentinel
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import (
    MasterNotFoundError,
    SentinelConnectionPool,
    SentinelManagedConnection,
    SentinelManagedSSLConnection,
)
from redis.backoff import NoBackoff

from microblog_streams.config import addresses
from microblog_streams.config.settings import Settings
from microblog_streams.domain.errors import SetupError
from microblog_streams.stores.redis.cluster import Cluster
from microblog_streams.stores.redis.pool import PrimaryPool, packing

SENTINEL_PORT: Final = 26379
CLUSTER_PORT: Final = 6379
CLUSTER_FORM: Final = "redis+cluster://[user:password@]host:port[,host:port], with database 0 or none"
FORM: Final = "redis+sentinel://[user:password@]host:port[,host:port]/service[/db]"


class Sentinels(Sentinel):
    """Sentinels that are all asked. redis-py believes the first one that answers, also one that is cut off itself."""

    async def discover_master(self, service_name: str) -> Any:  # noqa: ANN401 -- redis-py's own signature
        """Return the primary's host and port, by the newest configuration that a Sentinel knows.

        Raises what the first Sentinel raises where none answers, MasterNotFoundError where none knows a primary.
        """
        asked = (sentinel.sentinel_masters() for sentinel in self.sentinels)
        answers = await asyncio.gather(*asked, return_exceptions=True)
        told: list[Any] = [answer for answer in answers if not isinstance(answer, BaseException)]
        if not told:
            raise next(answer for answer in answers if isinstance(answer, BaseException))
        known = [services[service_name] for services in told if service_name in services]
        newest = max((state["config-epoch"] for state in known), default=None)
        for state in known:
            if state["config-epoch"] == newest and self.check_master_state(state, service_name):
                return state["ip"], state["port"]
        raise MasterNotFoundError(f"no Sentinel knows a primary of {service_name} that answers")


class SentinelPool(PrimaryPool, SentinelConnectionPool):
    """Connections to the primary that Sentinel names; each new one asks for it."""

    async def get_master_address(self) -> Any:  # noqa: ANN401 -- redis-py's own signature
        """Return the primary's host and port. Where Sentinel names another than before, no connection is kept.

        redis-py closes the idle ones only, and keeps those that are in use when they are given back.
        """
        before = self.master_address
        address = await super().get_master_address()  # type: ignore[no-untyped-call]
        if before not in (None, address):
            self.renew("Sentinel names another primary")
        return address

    async def disconnect(self, inuse_connections: bool = True) -> None:
        """Close the connections; those to the Sentinels too, where it is the end."""
        await super().disconnect(inuse_connections)
        if inuse_connections:
            await self.sentinel_manager.aclose()


def open_pool(settings: Settings, size: int) -> PrimaryPool:
    """Return a pool of at most ``size`` connections, none open yet. Raises SetupError for a URL that will not do."""
    pool = _pool(settings, size)
    pool.connection_class = packing(pool.connection_class)
    return pool


def _pool(settings: Settings, size: int) -> PrimaryPool:
    text = settings.redis_url.get_secret_value()
    try:
        url = addresses.parse(text)
        common = _common(settings, tls=url.scheme.startswith("rediss"))
        if "+sentinel" in url.scheme:
            return _sentinel_pool(settings, url, size, common)
        return PrimaryPool.from_url(text, max_connections=size, timeout=settings.store_timeout, **common)
    except ValueError as error:
        raise SetupError(f"MICROBLOG_REDIS_URL: {error}") from None


def is_replicated(settings: Settings) -> bool:
    """Tell whether the URL says that a replica may take over: it names Sentinels."""
    return "+sentinel" in addresses.parse(settings.redis_url.get_secret_value()).scheme


def is_cluster(settings: Settings) -> bool:
    """Tell whether the URL leads to a Redis Cluster."""
    return "+cluster" in addresses.parse(settings.redis_url.get_secret_value()).scheme


def open_cluster(settings: Settings, calls: int) -> Cluster:
    """Return a client that makes so many calls at a time. Raises SetupError for a URL that will not do."""
    url = addresses.parse(settings.redis_url.get_secret_value())
    if url.path not in ("", "0"):
        raise SetupError(f"MICROBLOG_REDIS_URL: expected {CLUSTER_FORM}")
    tls = url.scheme.startswith("rediss")
    options: dict[str, Any] = {"ssl": tls, "username": url.user, "password": url.password, **_common(settings, tls)}
    nodes = [ClusterNode(host, port) for host, port in url.places(CLUSTER_PORT)]
    try:
        cluster = Cluster(calls, startup_nodes=nodes, retry=Retry(NoBackoff(), 0), **options, **_options(url))
    except (TypeError, ValueError, OSError) as error:
        raise SetupError(f"MICROBLOG_REDIS_URL: {error}") from None
    cluster.connection_kwargs["connection_class"] = packing(cluster.connection_kwargs["connection_class"])
    return cluster


def _common(settings: Settings, tls: bool) -> dict[str, Any]:
    """Return what all connections have in common."""
    # RESP2: with 3, redis-py asks for push messages that self-hosted servers do not have, and then no longer
    # notices that an idle connection was closed by the server.
    timeouts = {"socket_timeout": settings.store_timeout, "socket_connect_timeout": settings.store_timeout}
    files = {
        "ssl_ca_certs": settings.redis_ca,
        "ssl_certfile": settings.redis_cert,
        "ssl_keyfile": settings.redis_key,
    }
    return {"protocol": 2, **timeouts, **{name: str(file) for name, file in files.items() if tls and file}}


def _sentinel_pool(settings: Settings, url: addresses.Address, size: int, common: Mapping[str, Any]) -> SentinelPool:
    service, _, db = url.path.partition("/")
    if not service or not (db or "0").isdigit():
        raise SetupError(f"MICROBLOG_REDIS_URL: expected {FORM}")
    tls = url.scheme.startswith("rediss")
    login: dict[str, Any] = {"db": int(db or 0), "username": url.user, "password": url.password}
    pool: dict[str, Any] = {
        "service_name": service,
        "sentinel_manager": _sentinels(settings, url.places(SENTINEL_PORT), {**common, "ssl": tls}),
        "connection_class": SentinelManagedSSLConnection if tls else SentinelManagedConnection,
        "max_connections": size,
        "timeout": settings.store_timeout,
    }
    return SentinelPool(**pool, **login, **common, **_options(url))


def _options(url: addresses.Address) -> dict[str, Any]:
    """Return redis-py's own options after the ``?``, in their types."""
    options = dict(parse_url(f"redis://host?{urlencode(url.options)}"))
    del options["host"]
    return options


def _sentinels(settings: Settings, places: Sequence[tuple[str, int]], common: Mapping[str, Any]) -> Sentinels:
    """Return the Sentinels. One that is silent leaves the call of a store enough time to connect."""
    password = settings.redis_sentinel_password
    share = settings.store_timeout / 3
    sentinels = Sentinels(  # type: ignore[no-untyped-call]
        places,
        sentinel_kwargs={
            **common,
            "socket_timeout": share,
            "socket_connect_timeout": share,
            "retry": Retry(NoBackoff(), 0),
            "username": settings.redis_sentinel_username,
            "password": password.get_secret_value() if password else None,
        },
    )
    for sentinel in sentinels.sentinels:
        sentinel.connection_pool.connection_class = packing(sentinel.connection_pool.connection_class)
    return sentinels
