"""Opens what ``MICROBLOG_REDIS_URL`` names: a server, the primary that Sentinel reports, or a cluster."""

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
    """A client of all Sentinels. redis-py trusts the first that answers, even one that is cut off from the others."""

    async def discover_master(self, service_name: str) -> Any:  # noqa: ANN401 -- redis-py's own signature
        """Return host and port of the primary in the highest configuration epoch that a Sentinel reports.

        Raises the first Sentinel's error if none answers, MasterNotFoundError if none knows a usable primary.
        """
        calls = (sentinel.sentinel_masters() for sentinel in self.sentinels)
        answers = await asyncio.gather(*calls, return_exceptions=True)
        reports: list[Any] = [answer for answer in answers if not isinstance(answer, BaseException)]
        if not reports:
            raise next(answer for answer in answers if isinstance(answer, BaseException))
        known = [services[service_name] for services in reports if service_name in services]
        newest = max((state["config-epoch"] for state in known), default=None)
        for state in known:
            if state["config-epoch"] == newest and self.check_master_state(state, service_name):
                return state["ip"], state["port"]
        raise MasterNotFoundError(f"no Sentinel knows a primary of {service_name} that answers")


class SentinelPool(PrimaryPool, SentinelConnectionPool):
    """Connections to the primary that Sentinel names; each new connection asks for it."""

    async def get_master_address(self) -> Any:  # noqa: ANN401 -- redis-py's own signature
        """Return the primary's host and port; renew all connections if Sentinel names another one than before.

        redis-py closes the idle connections only, and keeps those in use when they are released.
        """
        before = self.master_address
        address = await super().get_master_address()  # type: ignore[no-untyped-call]
        if before not in (None, address):
            self.renew("Sentinel names another primary")
        return address

    async def disconnect(self, inuse_connections: bool = True) -> None:
        """Close the connections; with ``inuse_connections`` (the end), those to the Sentinels too."""
        await super().disconnect(inuse_connections)
        if inuse_connections:
            await self.sentinel_manager.aclose()


def open_pool(settings: Settings, size: int) -> PrimaryPool:
    """Return a pool of at most ``size`` connections, none open yet. Raises SetupError for an unusable URL."""
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
    """Return whether the URL names Sentinels, so that a replica may take over."""
    return "+sentinel" in addresses.parse(settings.redis_url.get_secret_value()).scheme


def is_cluster(settings: Settings) -> bool:
    """Return whether the URL names a Redis Cluster."""
    return "+cluster" in addresses.parse(settings.redis_url.get_secret_value()).scheme


def open_cluster(settings: Settings, calls: int) -> Cluster:
    """Return a client for up to ``calls`` concurrent calls. Raises SetupError for an unusable URL."""
    url = addresses.parse(settings.redis_url.get_secret_value())
    if url.path not in ("", "0"):
        raise SetupError(f"MICROBLOG_REDIS_URL: expected {CLUSTER_FORM}")
    tls = url.scheme.startswith("rediss")
    options: dict[str, Any] = {"ssl": tls, "username": url.user, "password": url.password, **_common(settings, tls)}
    nodes = [ClusterNode(host, port) for host, port in url.hosts_with_ports(CLUSTER_PORT)]
    try:
        cluster = Cluster(calls, startup_nodes=nodes, retry=Retry(NoBackoff(), 0), **options, **_options(url))
    except (TypeError, ValueError, OSError) as error:
        raise SetupError(f"MICROBLOG_REDIS_URL: {error}") from None
    cluster.connection_kwargs["connection_class"] = packing(cluster.connection_kwargs["connection_class"])
    return cluster


def _common(settings: Settings, tls: bool) -> dict[str, Any]:
    """Return the options of all connections."""
    # RESP2: with RESP3, redis-py subscribes to push messages that self-hosted servers do not have, and no longer
    # notices that the server closed an idle connection.
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
        "sentinel_manager": _sentinels(settings, url.hosts_with_ports(SENTINEL_PORT), {**common, "ssl": tls}),
        "connection_class": SentinelManagedSSLConnection if tls else SentinelManagedConnection,
        "max_connections": size,
        "timeout": settings.store_timeout,
    }
    return SentinelPool(**pool, **login, **common, **_options(url))


def _options(url: addresses.Address) -> dict[str, Any]:
    """Return the options of redis-py after the ``?``, with their types."""
    options = dict(parse_url(f"redis://host?{urlencode(url.options)}"))
    del options["host"]
    return options


def _sentinels(settings: Settings, places: Sequence[tuple[str, int]], common: Mapping[str, Any]) -> Sentinels:
    """Return the Sentinels. Their time-out leaves enough of a store's to connect after a silent one."""
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
