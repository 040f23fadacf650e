"""What redis-py's errors are in our own words: whether another try may help, or only somebody who mends the setup."""

import re
from typing import Final

from redis import exceptions

from microblog_streams.config import tls
from microblog_streams.domain.errors import NoAnswer, SetupError, StoreUnavailable
from microblog_streams.stores.redis.primary_pool import Unfit

_TRANSIENT: Final = (
    exceptions.ConnectionError,  # also LOADING, and no free connection in the pool in time
    exceptions.OutOfMemoryError,
    exceptions.ReadOnlyError,  # a failover is under way
    exceptions.ClusterDownError,  # also MASTERDOWN
    OSError,
)
#: Replies that redis-py has no class for and that pass by themselves or once an operator has acted.
_TRANSIENT_CODES: Final = re.compile(r"(^|caused error: )(MISCONF|BUSY|UNKILLABLE|NOREPLICAS)\b")
#: What servers refuse that are no primary, or one that is cut off from its replicas.
_NOT_PRIMARY: Final = re.compile(r"(^|caused error: )(READONLY|NOREPLICAS|MASTERDOWN)\b|previous master is now a slave")
_LOGIN: Final = (exceptions.AuthenticationError, exceptions.AuthorizationError, exceptions.NoPermissionError)


class SlotMoving(StoreUnavailable):
    """A slot moves from server to server, and the keys of a call lie on both. One key alone is answered."""


def unavailable(error: Exception) -> StoreUnavailable | None:
    """Return what an error of redis-py is to callers, None where trying again would not help."""
    if isinstance(error, exceptions.TimeoutError | TimeoutError):
        return NoAnswer("redis", "no answer in time")
    if isinstance(error, exceptions.TryAgainError):
        return SlotMoving("redis", "a slot is being moved")
    if isinstance(error, _TRANSIENT) or _TRANSIENT_CODES.search(str(error)):
        return StoreUnavailable("redis", error)
    return None


def not_primary(error: Exception) -> bool:
    """Tell whether a server refused something because it is no primary, or because none of its replicas follows."""
    known = exceptions.ReadOnlyError | exceptions.MasterDownError
    return isinstance(error, known) or _NOT_PRIMARY.search(str(error)) is not None


def at_start(error: Exception) -> Exception:
    """Return what ``connect`` raises for an error: SetupError where waiting would never mend it."""
    if isinstance(error, Unfit):
        return SetupError(str(error))
    if isinstance(error, _LOGIN):
        return SetupError(f"Redis refuses the login in MICROBLOG_REDIS_URL: {error}")
    if tls.distrusts(error):
        return SetupError(f"The certificate of Redis is not trusted: {error}. See MICROBLOG_REDIS_CA.")
    return unavailable(error) or SetupError(f"Redis at MICROBLOG_REDIS_URL cannot be used: {error}")
