"""The connection to PostgreSQL that users, follows, outbox and idempotency keys share, and how it is used.

Sessions are in autocommit mode, so a single statement is its own transaction; ``transaction`` is for several.
Nothing is retried here: the caller knows whether a second try is welcome.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import IntEnum
from typing import Final

from microblog_streams.errors import StoreUnavailable
from microblog_streams.settings import Settings
from microblog_streams.stores.postgres_pool import Pool
from microblog_streams.stores.postgres_session import NAME, Row, Session, open_session

#: ms between looks, while a statement runs, whether its client is still there.
_CLIENT_CHECK: Final = 1_000
#: ms that a transaction may wait for its client: a frozen process must not hold row locks for good.
_IDLE_IN_TRANSACTION: Final = 10_000


class Lock(IntEnum):
    """Advisory locks: what only one process of a deployment does at a time. The numbers are arbitrary."""

    MIGRATE = 7_001
    RELAY = 7_002
    IMPORT = 7_003
    MOVE = 7_004
    #: A class of locks with one a person, each held for a transaction.
    FOLLOWING = 7_005


class Postgres:
    """A bounded pool of sessions on one database."""

    name = NAME

    def __init__(self, settings: Settings) -> None:
        """Take address, pool size and time-out from the settings; open nothing."""
        self._settings = settings
        self._pool: Pool | None = None

    async def connect(self) -> None:
        """Open the first session. StoreUnavailable: try again later. SetupError: it never will work as it is."""
        if self._pool is None:
            first = await self.open()
            self._pool = Pool(self.open, self._settings.pool_size, self._settings.store_timeout)
            self._pool.give_back(first)

    async def ping(self) -> None:
        """Ask for an answer, within the store's time-out."""
        await self.fetch_one("SELECT 1")

    async def close(self) -> None:
        """Close the pool; calls after this raise StoreUnavailable."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None

    async def open(self, timeout: float | None = None) -> Session:
        """Open a session outside the pool, for the caller to close.

        ``timeout`` (seconds, default: the store's) is the limit of each of its statements; the server stops
        waiting for a lock a little earlier, so that a busy row costs a call and not a connection.
        """
        limit = timeout or self._settings.store_timeout
        options = {
            "timezone": "UTC",
            "lock_timeout": int(limit * 750),
            "client_connection_check_interval": _CLIENT_CHECK,
            "idle_in_transaction_session_timeout": _IDLE_IN_TRANSACTION,
        }
        url = self._settings.postgres_url.get_secret_value()
        return await open_session(url, limit, f"microblog {self._settings.worker_name}", options)

    @asynccontextmanager
    async def dedicated(self, timeout: float) -> AsyncIterator[Session]:
        """Lend a session of its own, for work that takes long or holds an advisory lock."""
        session = await self.open(timeout)
        try:
            yield session
        finally:
            session.close()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Session]:
        """Lend a session of the pool, outside a transaction."""
        if self._pool is None:
            raise StoreUnavailable(NAME, "not connected")
        async with self._pool.session() as session:
            yield session

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Session]:
        """Lend a session of the pool within a transaction: committed at the end, rolled back on any error."""
        async with self.connection() as session, transaction(session):
            yield session

    async def execute(self, sql: str, *params: object) -> int:
        """Execute one statement; return how many rows it touched."""
        async with self.connection() as session:
            return await session.execute(sql, *params)

    async def fetch(self, sql: str, *params: object) -> list[Row]:
        """Execute one statement; return its rows."""
        async with self.connection() as session:
            return await session.fetch(sql, *params)

    async def fetch_one(self, sql: str, *params: object) -> Row | None:
        """Execute one statement; return its first row, None where it has none."""
        async with self.connection() as session:
            return await session.fetch_one(sql, *params)


@asynccontextmanager
async def transaction(session: Session) -> AsyncIterator[None]:
    """Run a transaction on a session.

    A cancelled one is not rolled back here, which would need another wait: the session is in a transaction then,
    so the pool closes it, and the server rolls back.
    """
    await session.execute("BEGIN")
    try:
        yield
    except Exception:
        await session.rollback()
        raise
    await session.execute("COMMIT")
