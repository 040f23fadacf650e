"""One PostgreSQL session: opens a connection, executes statements, translates the driver's errors.

aiopg closes a session whose statement was cancelled or timed out, since unread answers may follow. The server then
stops the statement (``client_connection_check_interval``), and frees the locks of a process that froze within a
transaction (``idle_in_transaction_session_timeout``).

``Driver`` is a connection of aiopg with three defects fixed (aiopg 1.4.0):

- Sockets. libpq closes its socket itself when a connection fails, and the next socket gets the same number. aiopg
  notices only some of these cases. A connection refused during a write leaves a writer in the event loop, and the next
  connection with that number cannot be watched (on asyncio's loop and on uvloop); a connection that is closed twice
  removes the reader of another one. So the event loop watches a duplicate of the socket, which only we close, once.
- Reconnects within libpq. If libpq starts over on another socket (without TLS, after a failed login with it), aiopg
  keeps watching the old one, which never becomes ready: a wrong password looked like a server that is down.
- Cancellation. aiopg waits for each statement with ``asyncio.wait_for``, which on Python 3.11 returns the answer to a
  task that was cancelled as it arrived. The task continued: a relay that had lost the lead kept the leader's session,
  and there was no leader.
"""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final

import psycopg2
from aiopg.connection import Connection
from psycopg2.extensions import TRANSACTION_STATUS_IDLE, QueryCanceledError, connection, parse_dsn

from microblog_streams.config.addresses import join_host_port
from microblog_streams.domain.errors import NoAnswer, SetupError, StoreUnavailable

NAME: Final = "postgres"
Row = tuple[Any, ...]

#: Errors in our statements. All other errors of psycopg2 (connection, time-out, failover, full disk, deadlock,
#: serialization failure) are worth another attempt.
_STATEMENT_ERRORS: Final = (
    psycopg2.ProgrammingError,
    psycopg2.IntegrityError,
    psycopg2.DataError,
    psycopg2.NotSupportedError,
)

#: A path that exists for no user.
_NO_FILE: Final = f"{os.devnull}/none"
#: Prevents libpq from reading passwords and certificates in the user's home folder, or a Kerberos ticket, unless the
#: URL names them. ``config.environment`` removes its variables (PG*).
_NO_DEFAULTS: Final = {
    **dict.fromkeys(("passfile", "sslcert", "sslkey", "sslrootcert", "sslcrl"), _NO_FILE),
    "gssencmode": "disable",
}

#: Texts of PostgreSQL or libpq for connections that can never succeed, and advice. A failed connection has no error
#: code, only a text.
_PERMANENT_ERRORS: Final = {
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
    """Translate the driver's errors to StoreUnavailable, except for errors in a statement."""
    try:
        yield
    except _STATEMENT_ERRORS:
        raise
    except psycopg2.Error as exc:
        raise StoreUnavailable(NAME, first_line(exc)) from exc
    except TimeoutError:
        raise NoAnswer(NAME, "no answer in time") from None
    except asyncio.CancelledError:
        # aiopg also raises this if the server cancelled the statement.
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise StoreUnavailable(NAME, "the server cancelled the statement") from None


def first_line(error: Exception) -> str:
    """Return the first line of an error's text, or the name of its class."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


class Session:
    """A connection with its state on the server. One statement at a time."""

    def __init__(self, connection: Connection) -> None:
        """Use an open connection of aiopg."""
        self._connection = connection
        #: What is sent in front of the next statement: BEGIN, or nothing.
        self._opening = ""

    @property
    def closed(self) -> bool:
        """Whether the connection is known to be gone."""
        return bool(self._connection.closed)

    @property
    def idle(self) -> bool:
        """Whether it is open and in no transaction, so that another caller can use it."""
        if self.closed or self._opening:
            return False
        return bool(self._connection.raw.get_transaction_status() == TRANSACTION_STATUS_IDLE)

    async def execute(self, sql: str, *params: object) -> int:
        """Execute a statement; return the number of affected rows."""
        with translated():
            async with self._connection.cursor() as cursor:
                await cursor.execute(self._opened(sql), params or None)
                return int(cursor.rowcount)

    async def fetch(self, sql: str, *params: object) -> list[Row]:
        """Execute a statement; return its rows."""
        with translated():
            async with self._connection.cursor() as cursor:
                await cursor.execute(self._opened(sql), params or None)
                return list(await cursor.fetchall())

    async def fetch_one(self, sql: str, *params: object) -> Row | None:
        """Execute a statement; return its first row, None if there is none."""
        rows = await self.fetch(sql, *params)
        return rows[0] if rows else None

    def begin(self) -> None:
        """Begin a transaction. BEGIN goes with the next statement: a round trip of its own costs as much as that."""
        self._opening = "BEGIN;"

    async def commit(self) -> None:
        """Commit; does nothing if no statement was executed."""
        if self._opening:
            self._opening = ""
        else:
            await self.execute("COMMIT")

    async def rollback(self) -> None:
        """Roll back; if that fails, the pool closes the connection."""
        if self._opening:
            self._opening = ""
            return
        with suppress(StoreUnavailable):
            await self.execute("ROLLBACK")

    def _opened(self, sql: str) -> str:
        opening, self._opening = self._opening, ""
        return opening + sql

    async def notified(self) -> None:
        """Wait for a notification on a channel of LISTEN, and drop those that came with it."""
        with translated():
            await self._connection.notifies.get()
            while not self._connection.notifies.empty():
                self._connection.notifies.get_nowait()

    def close(self) -> None:
        """Close the connection; the server rolls back an open transaction."""
        self._connection.close()


async def open_session(
    url: str,
    timeout: float,
    application: str,
    options: Mapping[str, object],
    check: Callable[[Session], Awaitable[None]],
) -> Session:
    """Connect and ``check`` within ``timeout`` seconds, which also limit each statement.

    ``options`` are the session's parameters. If ``check`` raises StoreUnavailable, the next host is tried. Raises
    StoreUnavailable; SetupError if another attempt cannot help.
    """
    where = target(url, application, options)
    try:
        with translated():
            async with asyncio.timeout(timeout):
                return await _connect(where, timeout, check)
    except StoreUnavailable as exc:
        reason = f"{exc.reason} ({', '.join(join_host_port(host, port) for host, port in _places(where))})"
        for text, advice in _PERMANENT_ERRORS.items():
            if text in reason:
                raise SetupError(f"{reason}: {advice}") from None
        raise type(exc)(NAME, reason) from None


def target(url: str, application: str, options: Mapping[str, object]) -> dict[str, str]:
    """Return the arguments of ``psycopg2.connect``. Raises SetupError for an invalid URL."""
    try:
        parts: dict[str, str] = parse_dsn(url)
    except psycopg2.ProgrammingError:
        raise SetupError("MICROBLOG_POSTGRES_URL: not a PostgreSQL URL") from None
    if "service" in parts:
        raise SetupError("MICROBLOG_POSTGRES_URL: service= is not supported: name host, database and user in the URL")
    flags = [f"-c {name}={value}" for name, value in options.items()]
    if "," in parts.get("host", ""):
        # One of the hosts is the primary.
        parts.setdefault("target_session_attrs", "read-write")
    return {
        **_NO_DEFAULTS,
        **parts,
        "application_name": application,
        "options": " ".join([parts.get("options", ""), *flags]).strip(),
        "tcp_user_timeout": "5000",  # ms: finds a vanished peer, also for a session that only listens
    }


async def _connect(target: Mapping[str, Any], timeout: float, check: Callable[[Session], Awaitable[None]]) -> Session:
    """Try the hosts' addresses one by one; each of several hosts gets an equal share of the time to connect.

    libpq would do the same, but its name lookup blocks the event loop, and it changes sockets between addresses, which
    aiopg does not notice.
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
            # uvloop still holds the descriptor of a dead connection, whose number the new socket got; it soon releases
            # it.
            failure = psycopg2.OperationalError(f"the event loop refused the socket: {exc}")
    raise failure or psycopg2.OperationalError("the host has no address")


def _places(target: Mapping[str, str]) -> list[tuple[str, str]]:
    """Pair hosts with ports, as libpq does."""
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


#: psycopg2's status of a connection in the making; it has no constant for it.
_CONNECTING: Final = 20


class _OwnSocket(connection):
    """libpq's connection, whose ``fileno`` is a duplicate of its socket."""

    def fileno(self) -> int:
        """Return a new file descriptor, which the caller must close. aiopg calls this once."""
        return os.dup(super().fileno())


class Driver(Connection):
    """A connection that leaves nothing in the event loop, however it ends. Await it to connect."""

    def __init__(self, timeout: float, **target: Any) -> None:  # noqa: ANN401 -- what psycopg2.connect takes
        """Begin to connect; ``timeout`` (seconds) limits the connect and each statement."""
        self._is_closed = False
        super().__init__(None, timeout, enable_hstore=False, enable_json=False, connection_factory=_OwnSocket, **target)

    @staticmethod
    def _ready(weak_self: Any) -> None:  # noqa: ANN401 -- aiopg's own signature
        Connection._ready(weak_self)
        self = weak_self()
        if self is not None and self._conn.closed:
            self._close()
        elif self is not None and self._conn.status == _CONNECTING:
            self._follow()

    async def _poll(self, waiter: "asyncio.Future[None]", timeout: float) -> None:
        """Wait for the server's answer. Raises CancelledError, also if the server cancelled the statement."""
        self._ready(self._weakref)
        try:
            async with asyncio.timeout(timeout):
                await waiter
        except (asyncio.CancelledError, TimeoutError):
            self._close()
            raise
        except QueryCanceledError:
            raise asyncio.CancelledError from None
        finally:
            self._waiter = None

    def _follow(self) -> None:
        """Watch libpq's new socket if it has started over on another one."""
        watched = self._fileno
        try:
            current: int = self._conn.fileno()
        except OSError:
            return  # refused: libpq has closed the socket
        if watched is None or os.path.sameopenfile(current, watched):
            os.close(current)
            return
        self._loop.remove_reader(watched)
        if self._writing:
            self._loop.remove_writer(watched)
        os.close(watched)
        self._fileno = current
        self._loop.add_reader(current, self._ready, self._weakref)
        if self._writing:
            self._loop.add_writer(current, self._ready, self._weakref)

    def _close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            super()._close()
            if self._fileno is not None:
                os.close(self._fileno)
