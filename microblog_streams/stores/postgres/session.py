"""One PostgreSQL session: statements in, rows out, every driver error in the system's own words.

A session whose statement was cancelled or timed out is closed by aiopg: nobody knows what its connection would
say next. PostgreSQL itself is told to give up soon after (``client_connection_check_interval``), and to free the
locks of a process that froze within a transaction (``idle_in_transaction_session_timeout``).
"""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final

import psycopg2
from aiopg.connection import Connection
from psycopg2.extensions import TRANSACTION_STATUS_IDLE, parse_dsn

from microblog_streams.config.addresses import join_host_port
from microblog_streams.domain.errors import NoAnswer, SetupError, StoreUnavailable
from microblog_streams.stores.postgres.driver import Driver

NAME: Final = "postgres"
Row = tuple[Any, ...]

#: Mistakes in our statements. Everything else that psycopg2 raises is a connection, a time-out, a failover, a full
#: disk, a deadlock or a serialization failure: worth another try.
_MISTAKES: Final = (
    psycopg2.ProgrammingError,
    psycopg2.IntegrityError,
    psycopg2.DataError,
    psycopg2.NotSupportedError,
)

#: A path at which there is nothing, whoever looks.
_NOWHERE: Final = f"{os.devnull}/none"
#: What libpq takes from the user's home folder (passwords, certificates) or Kerberos' ticket unless the URL says
#: otherwise: from nowhere. Its variables (PG*) are removed by ``config.environment``.
_CLOSED: Final = {
    **dict.fromkeys(("passfile", "sslcert", "sslkey", "sslrootcert", "sslcrl"), _NOWHERE),
    "gssencmode": "disable",
}

#: What PostgreSQL (or libpq) says of a connection that will never work, and what to do. A failed connection carries
#: no error code, only this text.
_HOPELESS: Final = {
    "password authentication failed": "check user and password in MICROBLOG_POSTGRES_URL",
    "no password supplied": "MICROBLOG_POSTGRES_URL needs a password",
    "no pg_hba.conf entry": "PostgreSQL does not let this user in from here: check pg_hba.conf",
    "permission denied for database": "grant CONNECT on the database to the user",
    "unrecognized configuration parameter": "PostgreSQL 14 or newer is needed",
    "does not exist": "create it, or check MICROBLOG_POSTGRES_URL",
    "certificate verify failed": "its CA belongs into sslrootcert= in MICROBLOG_POSTGRES_URL",
    "does not match host name": "use the name in the certificate, or sslmode=verify-ca, in MICROBLOG_POSTGRES_URL",
    "root certificate file": "check sslrootcert= in MICROBLOG_POSTGRES_URL",
    "does not support SSL": "check sslmode= in MICROBLOG_POSTGRES_URL",
}


@contextmanager
def translated() -> Iterator[None]:
    """Turn the driver's errors into StoreUnavailable, except for mistakes in a statement."""
    try:
        yield
    except _MISTAKES:
        raise
    except psycopg2.Error as exc:
        raise StoreUnavailable(NAME, first_line(exc)) from exc
    except TimeoutError:
        raise NoAnswer(NAME, "no answer in time") from None
    except asyncio.CancelledError:
        # aiopg also raises this where the server cancelled the statement, and not somebody our task.
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise StoreUnavailable(NAME, "the server cancelled the statement") from None


def first_line(error: Exception) -> str:
    """Return the first line of an error's text, or its kind where it has none."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


class Session:
    """A connection and its state on the server. One statement at a time."""

    def __init__(self, connection: Connection) -> None:
        """Wrap an open connection of aiopg."""
        self._connection = connection

    @property
    def closed(self) -> bool:
        """Whether the connection is known to be gone."""
        return bool(self._connection.closed)

    @property
    def idle(self) -> bool:
        """Whether it is open and in no transaction, so that somebody else can use it."""
        return not self.closed and bool(self._connection.raw.get_transaction_status() == TRANSACTION_STATUS_IDLE)

    async def execute(self, sql: str, *params: object) -> int:
        """Execute a statement; return how many rows it touched."""
        with translated():
            async with self._connection.cursor() as cursor:
                await cursor.execute(sql, params or None)
                return int(cursor.rowcount)

    async def fetch(self, sql: str, *params: object) -> list[Row]:
        """Execute a statement; return its rows."""
        with translated():
            async with self._connection.cursor() as cursor:
                await cursor.execute(sql, params or None)
                return list(await cursor.fetchall())

    async def fetch_one(self, sql: str, *params: object) -> Row | None:
        """Execute a statement; return its first row, None where it has none."""
        rows = await self.fetch(sql, *params)
        return rows[0] if rows else None

    async def rollback(self) -> None:
        """Leave the transaction; where that fails, the connection is left for the pool to close."""
        with suppress(StoreUnavailable):
            await self.execute("ROLLBACK")

    async def notified(self) -> None:
        """Wait for a notification on a channel that the session LISTENs to, and forget those that came with it."""
        with translated():
            await self._connection.notifies.get()
            while not self._connection.notifies.empty():
                self._connection.notifies.get_nowait()

    def close(self) -> None:
        """Close the connection; the server rolls back what was open."""
        self._connection.close()


async def open_session(
    url: str,
    timeout: float,
    application: str,
    options: Mapping[str, object],
    check: Callable[[Session], Awaitable[None]],
) -> Session:
    """Connect and ``check``, within ``timeout`` seconds for both, which is also the limit of each statement.

    ``options`` are the session's parameters. A host whose session ``check`` refuses with StoreUnavailable is passed
    over, if there is another. Raises StoreUnavailable; SetupError where trying again cannot help.
    """
    where = target(url, application, options)
    try:
        with translated():
            async with asyncio.timeout(timeout):
                return await _connect(where, timeout, check)
    except StoreUnavailable as exc:
        reason = f"{exc.reason} ({', '.join(join_host_port(host, port) for host, port in _places(where))})"
        for text, advice in _HOPELESS.items():
            if text in reason:
                raise SetupError(f"{reason}: {advice}") from None
        raise type(exc)(NAME, reason) from None


def target(url: str, application: str, options: Mapping[str, object]) -> dict[str, str]:
    """Return what psycopg2 connects with. Raises SetupError for what is not a URL."""
    try:
        parts: dict[str, str] = parse_dsn(url)
    except psycopg2.ProgrammingError:
        raise SetupError("MICROBLOG_POSTGRES_URL: not a PostgreSQL URL") from None
    if "service" in parts:
        raise SetupError("MICROBLOG_POSTGRES_URL: service= is not supported: name host, database and user in the URL")
    flags = [f"-c {name}={value}" for name, value in options.items()]
    if "," in parts.get("host", ""):
        # One of them is the primary; on the others nothing can be written.
        parts.setdefault("target_session_attrs", "read-write")
    return {
        **_CLOSED,
        **parts,
        "application_name": application,
        "options": " ".join([parts.get("options", ""), *flags]).strip(),
        "tcp_user_timeout": "5000",  # ms: a peer that vanished is noticed, also by a session that only listens
    }


async def _connect(target: Mapping[str, Any], timeout: float, check: Callable[[Session], Awaitable[None]]) -> Session:
    """Try the hosts' addresses one by one; of several hosts, each gets its share of the time to connect.

    libpq would do that too, but it looks names up in the way of the event loop, and it changes sockets between
    addresses, which aiopg does not see: it waits on the old one.
    """
    failure: Exception | None = None
    places = _places(target)
    for host, port in places:
        try:
            async with asyncio.timeout(timeout / len(places)):
                session = Session(await _connect_to({**target, "host": host, "port": port}, timeout))
            return await _checked(session, check)
        except (psycopg2.OperationalError, StoreUnavailable, TimeoutError) as exc:
            failure = exc
    raise failure or psycopg2.OperationalError("there is no host")


async def _checked(session: Session, check: Callable[[Session], Awaitable[None]]) -> Session:
    try:
        await check(session)
    except BaseException:
        session.close()
        raise
    return session


async def _connect_to(target: Mapping[str, Any], timeout: float) -> Connection:
    failure: psycopg2.Error | None = None
    for address in await _addresses(target["host"], target["port"]):
        try:
            return await Driver(timeout, **target, hostaddr=address)
        except psycopg2.OperationalError as exc:
            failure = exc
        except RuntimeError as exc:
            # uvloop has not let go of a dead connection's descriptor, whose number the new socket got; soon it will.
            failure = psycopg2.OperationalError(f"the event loop refused the socket: {exc}")
    raise failure or psycopg2.OperationalError("the host has no address")


def _places(target: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return each host with its port, as libpq pairs them."""
    hosts, ports = target.get("host", "127.0.0.1").split(","), target.get("port", "5432").split(",")
    if len(ports) == 1:
        ports *= len(hosts)
    return [(host, port or "5432") for host, port in zip(hosts, ports, strict=False)]


async def _addresses(host: str, port: str) -> list[str]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as exc:
        raise psycopg2.OperationalError(f"cannot look up {host}: {exc.strerror}") from None
    return list(dict.fromkeys(str(info[4][0]) for info in found))
