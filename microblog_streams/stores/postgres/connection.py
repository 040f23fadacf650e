"""The connection to PostgreSQL: a bounded pool of sessions that all stores in PostgreSQL share.

Sessions are in autocommit mode, so a single statement is its own transaction; ``transaction`` groups several.
Nothing is retried here: the caller knows whether a second attempt is safe.

``Pool`` replaces aiopg's, which has two gaps that show when PostgreSQL is in trouble: the return of a dead connection
wakes no waiter, and new connections are opened one after another under the pool's lock.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from enum import IntEnum
from typing import Final

from microblog_streams.aio.failures import CircuitBreaker
from microblog_streams.config.addresses import parse
from microblog_streams.config.settings import Settings
from microblog_streams.domain.errors import SetupError, StoreUnavailable
from microblog_streams.domain.models import Era
from microblog_streams.stores.postgres.era import Server, inspect_server, raise_era
from microblog_streams.stores.postgres.session import NAME, Row, Session, open_session

logger = logging.getLogger(__name__)

#: Interval at which the server checks, during a statement, that its client is still connected.
_CLIENT_CHECK_MS: Final = 1_000
#: How long a transaction may wait for its client: a frozen process must not keep row locks.
_IDLE_IN_TRANSACTION_MS: Final = 10_000


class Lock(IntEnum):
    """Advisory locks: each of these is done by one process of a deployment at a time. The numbers are arbitrary."""

    MIGRATE = 7_001
    RELAY = 7_002
    IMPORT = 7_003
    MOVE = 7_004
    #: A class of locks, one for each user, held for a transaction.
    FOLLOWING = 7_005
    COUNTING = 7_006


class Postgres:
    """A bounded pool of sessions on one database."""

    name = NAME

    def __init__(self, settings: Settings, era: int = 0) -> None:
        """Read address, pool size and time-out from the settings; open nothing. ``era``: the latest that is known."""
        self._settings = settings
        self._pool: Pool | None = None
        self._has_several_hosts = len(parse(settings.postgres_url.get_secret_value()).hosts) > 1
        self.era = Era(era)
        self._server: Server | None = None
        #: The warnings of the last durability check.
        self.warnings: Sequence[str] = ()

    async def connect(self) -> None:
        """Open the first session. Raises StoreUnavailable if a later attempt may succeed, SetupError if none can."""
        if self._pool is None:
            first = await self.open()
            self._pool = Pool(self.open, self._settings.pool_size, self._settings.store_timeout)
            self._pool.give_back(first)

    @property
    def circuit(self) -> CircuitBreaker | None:
        """The circuit of the pool; None before ``connect`` and after ``close``."""
        return self._pool.circuit if self._pool else None

    async def ping(self) -> None:
        """Make a round trip, within the store's time-out."""
        await self.fetch_one("SELECT 1")

    async def close(self) -> None:
        """Close the pool; later calls raise StoreUnavailable."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None

    async def open(self, timeout: float | None = None) -> Session:
        """Open a session outside the pool, for the caller to close.

        ``timeout`` (seconds, default: the store's) limits the connect and each statement. The server gives up waiting
        for a lock a little earlier, so that a busy row costs a call and not a connection. First of all, the session
        checks whether the server has lost commits, or was replaced: see ``era``.
        """
        limit = timeout or self._settings.store_timeout
        options = {
            "timezone": "UTC",
            "lock_timeout": int(limit * 750),
            "client_connection_check_interval": _CLIENT_CHECK_MS,
            "idle_in_transaction_session_timeout": _IDLE_IN_TRANSACTION_MS,
        }
        url = self._settings.postgres_url.get_secret_value()
        return await open_session(url, limit, f"microblog {self._settings.worker_name}", options, self._check_server)

    async def check_server(self) -> None:
        """Check the server again: behind a proxy it may be another one, and its settings may have changed."""
        async with self.connection() as session:
            try:
                await self._check_server(session)
            except StoreUnavailable:
                session.close()  # it leads to a refused server
                raise

    async def raise_era(self) -> Era:
        """Raise the era on request, after a restore that left timeline and system identifier unchanged."""
        async with self.connection() as session:
            self.era = await raise_era(session, self.era)
        return self.era

    async def _check_server(self, session: Session) -> None:
        seen = await inspect_server(session, self.era, self._has_several_hosts, self._server)
        if seen.server is not None:
            self._keep(seen.server)
        if seen.raised:
            logger.warning("era_raised era=%d server=%s", seen.era.number, "another, or on another timeline")
        if seen.era.number >= self.era.number:
            self.era = seen.era
        self.warnings = seen.warnings

    def _keep(self, server: Server) -> None:
        """Note the server, and close idle sessions to another. Raises StoreUnavailable if a later one is known."""
        server.refuse(self._server)
        if server != self._server and self._pool is not None:
            self._pool.forget_idle()
        self._server = server

    async def server_time(self) -> float:
        """Return PostgreSQL's clock, in seconds since 1970: the reference for the clocks of all workers."""
        ((seconds,),) = await self.fetch("SELECT extract(epoch FROM clock_timestamp())::float8")
        return float(seconds)

    @asynccontextmanager
    async def dedicated(self, timeout: float) -> AsyncIterator[Session]:
        """Yield a session outside the pool, for long work or a session lock. ``timeout`` in seconds."""
        session = await self.open(timeout)
        try:
            yield session
        finally:
            session.close()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Session]:
        """Yield a session of the pool, outside a transaction."""
        if self._pool is None:
            raise StoreUnavailable(NAME, "not connected")
        async with self._pool.session() as session:
            yield session

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Session]:
        """Yield a session of the pool within a transaction: committed at the end, rolled back on an error."""
        async with self.connection() as session, transaction(session):
            yield session

    async def execute(self, sql: str, *params: object) -> int:
        """Execute one statement; return the number of affected rows."""
        async with self.connection() as session:
            return await session.execute(sql, *params)

    async def fetch(self, sql: str, *params: object) -> list[Row]:
        """Execute one statement; return its rows."""
        async with self.connection() as session:
            return await session.fetch(sql, *params)

    async def fetch_one(self, sql: str, *params: object) -> Row | None:
        """Execute one statement; return its first row, None if there is none."""
        async with self.connection() as session:
            return await session.fetch_one(sql, *params)


@asynccontextmanager
async def transaction(session: Session) -> AsyncIterator[None]:
    """Run a transaction on a session.

    A cancelled transaction is not rolled back here, which would need another wait: the pool closes the session, since
    it is within a transaction, and the server rolls back.
    """
    session.begin()
    try:
        yield
    except Exception:
        await session.rollback()
        raise
    await session.commit()


class Pool:
    """Lends each session to one caller at a time; opens sessions when needed, up to ``size``."""

    def __init__(self, open_session: Callable[[], Awaitable[Session]], size: int, timeout: float) -> None:
        """``open_session`` opens a session; a caller waits up to ``timeout`` seconds for a free one."""
        self._open = open_session
        self._timeout = timeout
        self._slots = asyncio.Semaphore(size)
        self._idle: list[Session] = []
        self._closed = False
        self.circuit = CircuitBreaker(NAME, self._ask)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """Yield a session. One that comes back broken or within a transaction is closed."""
        self.circuit.check()
        await self._wait_for_slot()
        try:
            with self.circuit.call():  # checked again: the circuit may have opened during the wait
                async with self._lent() as session:
                    yield session
        finally:
            self._slots.release()

    @asynccontextmanager
    async def _lent(self) -> AsyncIterator[Session]:
        session = await self._take()
        try:
            yield session
        except StoreUnavailable:
            if session.closed:
                self.forget_idle()  # the cause has most likely ended the others too
            raise
        finally:
            self.give_back(session)

    async def _ask(self) -> None:
        """Make a round trip on a session beyond the pool's size, since waiting callers may hold all slots."""
        async with self._lent() as session:
            await session.fetch_one("SELECT 1")

    async def _wait_for_slot(self) -> None:
        try:
            async with asyncio.timeout(self._timeout):
                await self._slots.acquire()
        except TimeoutError:
            raise StoreUnavailable(NAME, f"no free connection within {self._timeout:g} s") from None

    async def _take(self) -> Session:
        while self._idle:
            # The most recently used: the others have had time to notice a restart of the server.
            session = self._idle.pop()
            if session.idle:
                return session
            session.close()
        try:
            return await self._open()
        except SetupError as exc:
            # It worked at the start of the worker, so an operator may repair it.
            raise StoreUnavailable(NAME, exc) from None

    def give_back(self, session: Session) -> None:
        """Keep a session for the next caller, or close it."""
        if session.idle and not self._closed:
            self._idle.append(session)
        else:
            session.close()

    def forget_idle(self) -> None:
        """Close all idle sessions."""
        while self._idle:
            self._idle.pop().close()

    def close(self) -> None:
        """Close idle sessions now, others when they come back."""
        self._closed = True
        self.circuit.close()
        self.forget_idle()
