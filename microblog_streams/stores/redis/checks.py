"""Checks of a Redis server: requirements without which a worker refuses it, and durability checks for ``/health``.

The durability checks read the server's settings. Timelines may expire but not be evicted at random. A restart must
restore all acknowledged writes. With replicas, a primary that is cut off must stop taking writes before their events
are acknowledged: the next primary will not have them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from redis import exceptions

from microblog_streams.domain.errors import SetupError
from microblog_streams.stores.redis.server import Info, Server, info_of, requires_replicas

#: Redis 7.0 introduced functions, in which timelines are implemented.
MIN_VERSION: Final = (7, 0)
#: Strings in byte order, of which some locale reverses or equates each neighbouring pair. Timelines compare ids in Lua,
#: and Lua compares by the server's locale.
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
ORDER_PROBE: Final = "for i = 2, #ARGV do if not (ARGV[i - 1] < ARGV[i]) then return 0 end end return 1"


async def check(server: Server, *, clustered: bool) -> None:
    """Raise SetupError for a server that is too old, in a cluster against the URL, or compares strings by a locale."""
    info = await server.execute("INFO", "server")
    _check_version(info)
    _check_mode(info, clustered)
    if not await server.execute("EVAL_RO", ORDER_PROBE, 0, *IN_BYTE_ORDER):
        raise SetupError(
            "Redis at MICROBLOG_REDIS_URL compares strings by a locale, which would disorder timelines: "
            "set `locale-collate C` (Valkey, Redis 7.2), or start the server with LC_ALL=C."
        )


def _check_version(info: Mapping[str, object]) -> None:
    """Raise SetupError for a server below ``MIN_VERSION``. Valkey reports the Redis version that it emulates."""
    version = str(info.get("redis_version", "0"))
    if tuple(int(part) for part in re.findall(r"\d+", version)[:2]) < MIN_VERSION:
        needed = ".".join(map(str, MIN_VERSION))
        raise SetupError(f"Redis {version} at MICROBLOG_REDIS_URL is too old: {needed} or newer, or Valkey, is needed.")


def _check_mode(info: Mapping[str, object], clustered: bool) -> None:
    """Raise SetupError for a cluster's server at a URL for a single one: it has a part of the keys only."""
    mode = info.get("redis_mode", info.get("server_mode"))
    if mode == "cluster" and not clustered:
        raise SetupError(
            "Redis at MICROBLOG_REDIS_URL is part of a Redis Cluster: write redis+cluster://, or rediss+cluster://."
        )


#: Settings and their accepted values.
SAFE: Final = {
    "maxmemory-policy": ("volatile-ttl", "noeviction"),
    "appendonly": ("yes",),
    "appendfsync": ("everysec", "always"),
}
#: Replicas report their offset once a second, so a write counts as missing on them only after this time.
REPLICATION_SECONDS: Final = 2.0
COPIES: Final = "min-replicas-to-write"
LAG_SECONDS: Final = "min-replicas-max-lag"
NODE_TIMEOUT_MS: Final = "cluster-node-timeout"


class Review(NamedTuple):
    """Warnings about a server's settings, and the number of replicas that must follow for it to take writes."""

    warnings: Sequence[str]
    copies: int


async def review(server: Server, *, hold: float, clustered: bool, replicated: bool) -> Review:
    """Read the settings of a primary; hosted servers often hide them. Raises ReadOnlyError for a replica.

    ``hold``: the ack hold in seconds. ``replicated``: replicas may take over, even if none follows at the moment.
    """
    info, found = await info_of(server), await _settings(server)
    told = list(_unsafe(found))
    if replicated or int(info.get("connected_slaves", 0)) > 0:
        told += _cluster_unsafe(found, hold) if clustered else _replicas_unsafe(found, hold)
    return Review(told, _copies(found, info))


async def _settings(server: Server) -> Mapping[str, str]:
    try:
        told = await server.execute("CONFIG GET", *SAFE, COPIES, LAG_SECONDS, NODE_TIMEOUT_MS)
    except exceptions.ResponseError:
        told = None
    return {_text(name): _text(value) for name, value in told.items()} if isinstance(told, Mapping) else {}


def _unsafe(found: Mapping[str, str]) -> Iterator[str]:
    for name, good in SAFE.items():
        if name not in found:
            yield f"redis: {name} is not known; it must be {' or '.join(good)}"
        elif found[name] not in good:
            yield f"redis: {name} is {found[name]}, not {' or '.join(good)}"


def _replicas_unsafe(found: Mapping[str, str], hold: float) -> Iterator[str]:
    """Yield the settings with which a primary that is cut off takes writes for longer than the ack hold."""
    if hold < REPLICATION_SECONDS:
        yield (
            f"redis: MICROBLOG_ACK_HOLD is {hold:g}, below the {REPLICATION_SECONDS:g} s within which replicas tell "
            "how far they are: what is acknowledged may not be on them"
        )
    for name, good, wanted in (
        (COPIES, _number(found, COPIES, 0) >= 1, "1 or more"),
        (LAG_SECONDS, _number(found, LAG_SECONDS, 0) < hold, f"below MICROBLOG_ACK_HOLD, which is {hold:g}"),
    ):
        if name not in found:
            yield f"redis: {name} is not known; it must be {wanted}"
        elif not good:
            yield f"redis: {name} is {found[name]}, not {wanted}"


def _cluster_unsafe(found: Mapping[str, str], hold: float) -> Iterator[str]:
    """Yield the same for a cluster's primary, which stops by itself if it sees no other node for its time-out."""
    milliseconds = _number(found, NODE_TIMEOUT_MS, 0)
    if NODE_TIMEOUT_MS in found and milliseconds >= hold * 1_000 and any(_replicas_unsafe(found, hold)):
        yield (
            f"redis: {NODE_TIMEOUT_MS} is {milliseconds}, not below MICROBLOG_ACK_HOLD, which is {hold * 1_000:g} ms; "
            f"or set {COPIES} to 1 and {LAG_SECONDS} below it"
        )


def _copies(found: Mapping[str, str], info: Info) -> int:
    """Return how many replicas must follow. INFO shows whether any must, even if the settings are hidden."""
    return max(1, _number(found, COPIES, 1)) if requires_replicas(info) else 0


def _number(found: Mapping[str, str], name: str, otherwise: int) -> int:
    text = found.get(name, "")
    return int(text) if text.isdecimal() else otherwise


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
