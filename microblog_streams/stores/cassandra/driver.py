"""How the Cassandra driver is set up, and what its errors are to our callers. All calls of the driver in here block."""

import logging
import re
import ssl
from dataclasses import dataclass
from typing import Any, Final

from cassandra import (
    AuthenticationFailed,
    ConsistencyLevel,
    DriverException,
    OperationTimedOut,
    RequestValidationException,
    Unavailable,
    UnresolvableContactPoints,
)
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, NoHostAvailable, ProtocolVersion
from cassandra.connection import ConnectionBusy, ConnectionException
from cassandra.policies import (
    ConstantReconnectionPolicy,
    ConstantSpeculativeExecutionPolicy,
    DCAwareRoundRobinPolicy,
    RetryPolicy,
    TokenAwarePolicy,
)
from cassandra.pool import NoConnectionsAvailable
from cassandra.protocol import ErrorMessage
from cassandra.query import tuple_factory

from microblog_streams.config import addresses, tls
from microblog_streams.config.settings import Settings
from microblog_streams.domain.errors import NoAnswer, SetupError, StoreUnavailable

#: Execution profiles: survives the loss of a minority of replicas and sees what a majority wrote; or asks one node,
#: which may lack what was written a moment ago: never for posts.
STRONG: Final = EXEC_PROFILE_DEFAULT
FAST: Final = "fast"
DEFAULT_PORT: Final = 9042
#: Seconds between attempts to reach a lost node; usable 0.1 s after it is back. The driver's own backs off to minutes.
RECONNECT_SECONDS: Final = 0.2
#: Seconds after which a quiet connection is asked for a sign of life: finds frozen nodes and dead networks.
HEARTBEAT_SECONDS: Final = 5.0
#: A node that has not answered within this part of the time-out is not waited for alone: the next one gets the same
#: statement, twice at most, and the first answer counts. Finds the frozen ones before a heartbeat does. More than
#: what the nodes do among themselves (speculative_retry: 50 ms a partition, 10 partitions a statement at most), so
#: that a slow replica is their business and only a slow coordinator is ours.
SPECULATE_AFTER, SPECULATIONS = 1 / 4, 2

TRUST: Final = "See MICROBLOG_CASSANDRA_CA, and MICROBLOG_CASSANDRA_CHECK_NAMES where it names no IP address."

#: Cassandra's own rule for unquoted names. A keyspace's name cannot be a parameter in CQL; this keeps it harmless.
_KEYSPACE: Final = re.compile(r"[a-z][a-z0-9_]{0,47}")
_TRANSIENT: Final = (
    NoHostAvailable,
    DriverException,
    ConnectionException,
    ConnectionBusy,
    NoConnectionsAvailable,
    ErrorMessage,  # overloaded, bootstrapping, server error
    OSError,  # also the built-in TimeoutError
)
#: Neither the node that was asked nor one that was tried beside it has said anything.
_SILENCE: Final = (OperationTimedOut, TimeoutError)
ERRORS: Final = (*_TRANSIENT, RequestValidationException)


@dataclass(frozen=True)
class Address:
    """What ``MICROBLOG_CASSANDRA_URL`` says: ``cassandra://[user:password@]host:port[,host:port]/keyspace``."""

    #: Host and port of each contact point.
    places: list[tuple[str, int]]
    keyspace: str
    login: PlainTextAuthProvider | None

    @classmethod
    def of(cls, settings: Settings) -> "Address":
        """Take the address apart. Raises SetupError for a keyspace that CQL would not take without quotes."""
        url = addresses.parse(settings.cassandra_url.get_secret_value())
        keyspace = url.path
        if not _KEYSPACE.fullmatch(keyspace):
            raise SetupError(
                "MICROBLOG_CASSANDRA_URL: the path must name a keyspace: lower-case letters, digits and _, at most 48."
            )
        login = PlainTextAuthProvider(url.user, url.password or "") if url.user else None
        return cls(url.places(DEFAULT_PORT), keyspace, login)


def open_cluster(settings: Settings) -> Cluster:
    """Set up the driver; resolves the hosts' names and opens no connection. ``shutdown`` it in the end.

    The local data centre is the one of the hosts in the address.
    """
    # It logs each attempt to reconnect, five a second, and tracebacks of what it raises to us anyway.
    logging.getLogger("cassandra").setLevel(logging.CRITICAL)
    address = Address.of(settings)
    return Cluster(
        address.places,
        # Of the nodes that the contact points name.
        port=address.places[0][1],
        auth_provider=address.login,
        protocol_version=ProtocolVersion.V5,
        connect_timeout=settings.store_timeout,
        control_connection_timeout=settings.store_timeout,
        idle_heartbeat_interval=HEARTBEAT_SECONDS,
        idle_heartbeat_timeout=settings.store_timeout,
        reconnection_policy=ConstantReconnectionPolicy(RECONNECT_SECONDS, None),
        ssl_context=_tls(settings),
        execution_profiles={
            STRONG: _profile(settings.cassandra_consistency, settings.store_timeout),
            FAST: _profile("ONE", settings.store_timeout),
        },
    )


def _tls(settings: Settings) -> ssl.SSLContext | None:
    if not (settings.cassandra_tls or settings.cassandra_ca or settings.cassandra_cert):
        return None
    files = (settings.cassandra_ca, settings.cassandra_cert, settings.cassandra_key)
    context = tls.client_context("MICROBLOG_CASSANDRA", *files)
    context.check_hostname = settings.cassandra_check_names
    return context


def _profile(consistency: str, timeout: float) -> ExecutionProfile:
    """Return how statements are sent: to a replica where they concern one partition, and on to the next node.

    Replicas do not take turns (``shuffle_replicas``): the driver shuffles a list that all statements under way share,
    and those skip a node, or try one twice. ``RetryPolicy``, the driver's own, goes on to the next node where a
    connection broke, or where a node is overloaded or sees too few replicas; a time-out of replicas is for our
    callers, who know whether to try again: agents do, views answer 503.
    """
    return ExecutionProfile(
        load_balancing_policy=TokenAwarePolicy(DCAwareRoundRobinPolicy(), shuffle_replicas=False),
        retry_policy=RetryPolicy(),
        speculative_execution_policy=ConstantSpeculativeExecutionPolicy(timeout * SPECULATE_AFTER, SPECULATIONS),
        consistency_level=ConsistencyLevel.name_to_value[consistency],
        request_timeout=timeout,
        row_factory=tuple_factory,
    )


def unavailable(error: Exception) -> StoreUnavailable | None:
    """Return what an error of the driver is to callers, None where trying again would not help."""
    if isinstance(error, RequestValidationException) or not isinstance(error, _TRANSIENT):
        return None
    kind = NoAnswer if isinstance(error, _SILENCE) else StoreUnavailable
    return kind("cassandra", _reason(error))


def at_start(error: Exception) -> Exception:
    """Return what a start raises for an error: SetupError where waiting would never mend it."""
    for cause in (error, *_by_host(error)):
        if isinstance(cause, AuthenticationFailed):
            return SetupError(f"Cassandra refuses the login in MICROBLOG_CASSANDRA_URL: {_reason(cause)}")
        if tls.distrusts(cause):
            return SetupError(f"The certificate of Cassandra is not trusted: {_reason(cause)}. {TRUST}")
    if isinstance(error, RequestValidationException):
        return SetupError(
            f"The post store in Cassandra is not ready ({_reason(error)}): run `faust -A microblog_streams migrate`."
        )
    return unavailable(error) or error


def _by_host(error: Exception) -> list[Any]:
    errors = error.errors if isinstance(error, NoHostAvailable) else None
    return list(errors.values()) if isinstance(errors, dict) else []


def _reason(error: Exception) -> str:
    """Return one short line: what the first host said where all failed, and no dump of the driver's objects."""
    causes = _by_host(error)
    if isinstance(error, NoHostAvailable):
        return f"no host answers: {_reason(causes[0])}" if causes else "no host answers"
    if isinstance(error, _SILENCE):
        return "no answer in time"
    if isinstance(error, Unavailable):
        level = ConsistencyLevel.value_to_name[error.consistency]
        return f"{level} needs {error.required_replicas} replicas, and {error.alive_replicas} can be reached"
    if isinstance(error, UnresolvableContactPoints):
        return "no host of the address has an IP address"
    return " ".join(str(error).split()) or type(error).__name__
