"""One Redis server as the rest of this package sees it: commands, role, run, errors, and whether it may be used.

A call that depends on the server (its clock, its loaded functions) is a ``ServerCall``: a coroutine function that gets
the server as its argument. On a cluster it runs again, with another server, after MOVED or ASK.

A demoted server keeps its run id and its open connections. Promoted again later, it still has that run id, but the data
of the server that was primary in between. So a *run* is the run id together with the replication id, which changes at
each promotion.

``check`` refuses a server that lacks what timelines need. ``review`` makes the durability checks for ``/health`` from
the server's settings. Timelines may expire but not be evicted at random. A restart must restore all acknowledged
writes. With replicas, a primary that is cut off must stop taking writes before their events are acknowledged: the next
primary will not have them.
"""

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

from redis import exceptions
from redis.exceptions import ReadOnlyError

from microblog_streams.config import infrastructure_settings
from microblog_streams.domain.errors import NoAnswer, SetupError, StoreUnavailable

#: A command's name and arguments, as redis-py takes them.
Command: TypeAlias = Sequence[Any]
Answer = TypeVar("Answer")

#: The name of the server where Redis is no cluster.
ONLY: Final = ""


class Server(NamedTuple):
    """A server's name and the functions that send it commands; answers are parsed as by redis-py's clients."""

    name: str
    execute: Callable[..., Awaitable[Any]]
    #: Sends commands in one write; an error is returned in the place of its answer.
    together: Callable[[Sequence[Command]], Awaitable[list[Any]]]


#: Commands to one server, of which later ones may depend on earlier answers.
ServerCall: TypeAlias = Callable[[Server], Awaitable[Answer]]

#: The sections ``server`` and ``replication`` of INFO, as redis-py parses them.
Info: TypeAlias = Mapping[str, Any]

PRIMARY: Final = "master"
#: A field of INFO that only a primary has that requires replicas for a write (``min-replicas-to-write``).
_GOOD_REPLICAS: Final = "min_slaves_good_slaves"


async def info_of(server: Server) -> Info:
    """Return the INFO of a primary. Raises ReadOnlyError for a replica."""
    return must_be_primary(await read_info(server))


async def read_info(server: Server) -> Info:
    """Return the INFO of a server in any role."""
    info: Info = await server.execute("INFO", "server", "replication")
    return info


def must_be_primary(info: Info) -> Info:
    """Return ``info``. Raises ReadOnlyError if it is not a primary's."""
    if info.get("role") != PRIMARY:
        raise ReadOnlyError(f"the server is not a primary, its role is {info.get('role', 'not told')}")
    return info


def run_of(info: Info) -> str:
    """Return the id of the run: it changes at each start of the server and at each promotion."""
    return f"{info['run_id']}-{info.get('master_replid', '')}"


def requires_replicas(info: Info) -> bool:
    """Return whether the primary takes writes only while replicas follow."""
    return _GOOD_REPLICAS in info


class Unfit(exceptions.ConnectionError):
    """The address leads to a server that must not be used: too old, or with a locale's string order."""


class SlotMoving(StoreUnavailable):
    """A slot is being migrated and the keys of a call lie on two servers. A call that uses a single key succeeds."""


_TRANSIENT: Final = (
    exceptions.ConnectionError,  # also LOADING, and no free connection in the pool in time
    exceptions.OutOfMemoryError,
    exceptions.ReadOnlyError,  # during a failover
    exceptions.ClusterDownError,  # also MASTERDOWN
    OSError,
)
#: Error replies without a class in redis-py that pass by themselves or after an operator has acted.
_TRANSIENT_CODES: Final = re.compile(r"(^|caused error: )(MISCONF|BUSY|UNKILLABLE|NOREPLICAS)\b")
#: A function's error where its slot is moving and it uses a key without naming it, which the other server has already.
_SPLIT: Final = "access a non local key in a cluster node"
#: Error replies of a replica, or of a primary that is cut off from its replicas.
_NOT_PRIMARY: Final = re.compile(r"(^|caused error: )(READONLY|NOREPLICAS|MASTERDOWN)\b|previous master is now a slave")
_LOGIN: Final = (exceptions.AuthenticationError, exceptions.AuthorizationError, exceptions.NoPermissionError)


def unavailable(error: Exception) -> StoreUnavailable | None:
    """Translate an error of redis-py for callers; None if trying again would not help."""
    if isinstance(error, exceptions.TimeoutError | TimeoutError):
        return NoAnswer("redis", "no answer in time")
    if isinstance(error, exceptions.TryAgainError) or _SPLIT in str(error):
        return SlotMoving("redis", "a slot is being moved")
    if isinstance(error, _TRANSIENT) or _TRANSIENT_CODES.search(str(error)):
        return StoreUnavailable("redis", error)
    return None


def not_primary(error: Exception) -> bool:
    """Return whether the server refused a command because it is no primary, or because no replica follows it."""
    known = exceptions.ReadOnlyError | exceptions.MasterDownError
    return isinstance(error, known) or _NOT_PRIMARY.search(str(error)) is not None


def at_start(error: Exception) -> Exception:
    """Translate an error of ``connect``: SetupError if waiting cannot help."""
    if isinstance(error, Unfit):
        return SetupError(str(error))
    if isinstance(error, _LOGIN):
        return SetupError(f"Redis refuses the login in MICROBLOG_REDIS_URL: {error}")
    if infrastructure_settings.is_certificate_untrusted(error):
        return SetupError(f"The certificate of Redis is not trusted: {error}. See MICROBLOG_REDIS_CA.")
    return unavailable(error) or SetupError(f"Redis at MICROBLOG_REDIS_URL cannot be used: {error}")


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
