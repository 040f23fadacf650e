"""Sets up the Cassandra driver and translates its errors. All calls of the driver in this module block."""

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

from microblog_streams.config import addresses, infrastructure_settings
from microblog_streams.config.settings import Settings
from microblog_streams.domain.errors import NoAnswer, SetupError, StoreUnavailable

#: Execution profiles. STRONG (LOCAL_QUORUM by default) survives the loss of a minority of replicas and sees what a
#: majority wrote. FAST (ONE) may miss the latest writes: never for posts.
STRONG: Final = EXEC_PROFILE_DEFAULT
FAST: Final = "fast"
DEFAULT_PORT: Final = 9042
#: Seconds between attempts to reach a lost node, so that it is used again at once; the driver's default policy backs
#: off to minutes.
RECONNECT_SECONDS: Final = 0.2
#: Seconds after which an idle connection gets a heartbeat: finds frozen nodes and dead networks.
HEARTBEAT_SECONDS: Final = 5.0
#: Speculative execution: after this fraction of the time-out the next node gets the same statement, at most twice, and
#: the first answer counts. This passes frozen nodes before a heartbeat finds them. The delay is longer than Cassandra's
#: own speculative_retry (50 ms a partition, at most 10 partitions a statement), which handles slow replicas; this one
#: handles slow coordinators.
SPECULATE_AFTER_FRACTION, MAX_SPECULATIONS = 1 / 4, 2

TRUST: Final = "See MICROBLOG_CASSANDRA_CA, and MICROBLOG_CASSANDRA_CHECK_NAMES if it names no IP address."

#: Cassandra's rule for unquoted names. A keyspace cannot be a parameter in CQL, so this prevents injection.
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
#: Neither the first node nor a speculative one has answered.
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
        """Parse the address. Raises SetupError for a keyspace name that CQL would not accept unquoted."""
        url = addresses.parse(settings.cassandra_url.get_secret_value())
        keyspace = url.path
        if not _KEYSPACE.fullmatch(keyspace):
            raise SetupError(
                "MICROBLOG_CASSANDRA_URL: the path must name a keyspace: lower-case letters, digits and _, at most 48."
            )
        login = PlainTextAuthProvider(url.user, url.password or "") if url.user else None
        return cls(url.hosts_with_ports(DEFAULT_PORT), keyspace, login)


def open_cluster(settings: Settings) -> Cluster:
    """Configure the driver: resolve host names, open no connection. The caller must ``shutdown`` it.

    The local data centre is that of the hosts in the address.
    """
    # The driver logs every attempt to reconnect (five a second), and tracebacks of errors that it also raises.
    logging.getLogger("cassandra").setLevel(logging.CRITICAL)
    address = Address.of(settings)
    return Cluster(
        address.places,
        # The port of all nodes that the contact points report.
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
    context = infrastructure_settings.client_context("MICROBLOG_CASSANDRA", *files)
    context.check_hostname = settings.cassandra_check_names
    return context


def _profile(consistency: str, timeout: float) -> ExecutionProfile:
    """Return how statements are sent: to a replica if they concern one partition, then to the next node.

    ``shuffle_replicas`` is off: the driver shuffles a list that concurrent statements share, so that some skip a node
    or try one twice. The driver's ``RetryPolicy`` tries the next node after a broken connection, or if a node is
    overloaded or sees too few replicas. A time-out of replicas is raised: agents retry, views answer 503.
    """
    return ExecutionProfile(
        load_balancing_policy=TokenAwarePolicy(DCAwareRoundRobinPolicy(), shuffle_replicas=False),
        retry_policy=RetryPolicy(),
        speculative_execution_policy=ConstantSpeculativeExecutionPolicy(
            timeout * SPECULATE_AFTER_FRACTION, MAX_SPECULATIONS
        ),
        consistency_level=ConsistencyLevel.name_to_value[consistency],
        request_timeout=timeout,
        row_factory=tuple_factory,
    )


def unavailable(error: Exception) -> StoreUnavailable | None:
    """Translate an error of the driver for callers; None if trying again would not help."""
    if isinstance(error, RequestValidationException) or not isinstance(error, _TRANSIENT):
        return None
    kind = NoAnswer if isinstance(error, _SILENCE) else StoreUnavailable
    return kind("cassandra", _reason(error))


def at_start(error: Exception) -> Exception:
    """Translate an error of ``connect``: SetupError if waiting cannot help."""
    for cause in (error, *_by_host(error)):
        if isinstance(cause, AuthenticationFailed):
            return SetupError(f"Cassandra refuses the login in MICROBLOG_CASSANDRA_URL: {_reason(cause)}")
        if infrastructure_settings.is_certificate_untrusted(cause):
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
    """Return one short line: the first host's error if all failed, without a dump of the driver's objects."""
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
