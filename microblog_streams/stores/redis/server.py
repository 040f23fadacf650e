"""One Redis server as the rest of this package sees it: commands, role, run, and the meaning of its errors.

A call that depends on the server (its clock, its loaded functions) is a ``ServerCall``: a coroutine function that gets
the server as its argument. On a cluster it runs again, with another server, after MOVED or ASK.

A demoted server keeps its run id and its open connections. Promoted again later, it still has that run id, but the data
of the server that was primary in between. So a *run* is the run id together with the replication id, which changes at
each promotion.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

from redis import exceptions
from redis.exceptions import ReadOnlyError

from microblog_streams.config import tls
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
    """A slot is being migrated and the keys of a call lie on two servers. A call with a single key succeeds."""


_TRANSIENT: Final = (
    exceptions.ConnectionError,  # also LOADING, and no free connection in the pool in time
    exceptions.OutOfMemoryError,
    exceptions.ReadOnlyError,  # during a failover
    exceptions.ClusterDownError,  # also MASTERDOWN
    OSError,
)
#: Error replies without a class in redis-py that pass by themselves or after an operator has acted.
_TRANSIENT_CODES: Final = re.compile(r"(^|caused error: )(MISCONF|BUSY|UNKILLABLE|NOREPLICAS)\b")
#: Error replies of a replica, or of a primary that is cut off from its replicas.
_NOT_PRIMARY: Final = re.compile(r"(^|caused error: )(READONLY|NOREPLICAS|MASTERDOWN)\b|previous master is now a slave")
_LOGIN: Final = (exceptions.AuthenticationError, exceptions.AuthorizationError, exceptions.NoPermissionError)


def unavailable(error: Exception) -> StoreUnavailable | None:
    """Translate an error of redis-py for callers; None if trying again would not help."""
    if isinstance(error, exceptions.TimeoutError | TimeoutError):
        return NoAnswer("redis", "no answer in time")
    if isinstance(error, exceptions.TryAgainError):
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
    if tls.is_certificate_untrusted(error):
        return SetupError(f"The certificate of Redis is not trusted: {error}. See MICROBLOG_REDIS_CA.")
    return unavailable(error) or SetupError(f"Redis at MICROBLOG_REDIS_URL cannot be used: {error}")
