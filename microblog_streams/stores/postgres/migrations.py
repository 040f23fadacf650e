"""Migrations: the numbered files in ``schema/``, each applied once, and the lookalike forms of old users.

Workers of the previous release serve meanwhile. A statement that waits for a table lock, such as ALTER TABLE behind
a backup that reads the table, holds up every later query on that table. So a file gives up such a wait before these
queries do, is rolled back, and is applied again.

``fill_looks`` adds the form by which names are compared (``domain.lookalikes``) to users who registered before it was
stored. It works in slices while workers run; a slice locks its users by id, as all transactions do.
"""

import asyncio
import logging
from importlib.resources import files
from time import monotonic
from typing import Final

from psycopg2.errors import LockNotAvailable, UndefinedTable, UniqueViolation

from microblog_streams.aio.failures import pauses
from microblog_streams.domain.errors import SetupError, StoreUnavailable
from microblog_streams.domain.lookalikes import look
from microblog_streams.stores.postgres.connection import Lock, Postgres, transaction
from microblog_streams.stores.postgres.session import NAME, Session

logger = logging.getLogger(__name__)

#: Limit of one file with all its attempts, and of the wait for a concurrent migration.
_FILE_SECONDS: Final = 600.0
#: How long a statement of a file waits for a lock. Shorter than calls of workers do (75 % of MICROBLOG_STORE_TIMEOUT);
#: longer than PostgreSQL's deadlock_timeout of 1 s, after which an autovacuum that is in the way is cancelled.
_LOCK_MS: Final = 1_200
_FIRST_PAUSE_SECONDS: Final = 1.0
_LONGEST_PAUSE_SECONDS: Final = 5.0

_TABLE: Final = """
CREATE TABLE IF NOT EXISTS schema_migrations (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())
"""
_APPLIED: Final = "SELECT name FROM schema_migrations"


async def migrate(postgres: Postgres) -> list[str]:
    """Apply the new files; return their names. A concurrent migration waits for this one."""
    async with postgres.dedicated(_FILE_SECONDS) as session:
        await session.execute("SELECT pg_advisory_lock(%s)", int(Lock.MIGRATE))
        await session.execute(_TABLE)
        done = {name for (name,) in await session.fetch(_APPLIED)}
        missing = [(name, sql) for name, sql in _files() if name not in done]
        for name, sql in missing:
            await _apply(session, name, sql)
        return [name for name, _ in missing]


async def _apply(session: Session, name: str, sql: str) -> None:
    deadline = monotonic() + _FILE_SECONDS
    for pause in pauses(_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS):
        try:
            async with transaction(session):
                await session.execute(f"SET LOCAL lock_timeout = {_LOCK_MS}")
                await session.execute(sql)
                await session.execute("INSERT INTO schema_migrations (name) VALUES (%s)", name)
            return
        except StoreUnavailable as exc:
            if not isinstance(exc.__cause__, LockNotAvailable) or monotonic() > deadline:
                raise
        logger.warning("migration_waits file=%s", name)
        await asyncio.sleep(pause)


class MigratedPostgres:
    """A ``Connection`` that refuses a database which lacks migrations of this release. Later ones do no harm."""

    name = NAME

    def __init__(self, postgres: Postgres) -> None:
        """Open nothing yet."""
        self._postgres = postgres

    async def connect(self) -> None:
        """Connect, and compare. Raises SetupError, StoreUnavailable."""
        await self._postgres.connect()
        try:
            done = {name for (name,) in await self._postgres.fetch(_APPLIED)}
        except UndefinedTable:
            done = set()
        if missing := [name for name, _ in _files() if name not in done]:
            names = ", ".join(missing)
            raise SetupError(f"the database lacks {names}: run `faust -A microblog_streams migrate` of this release")

    async def ping(self) -> None:
        """Make a round trip."""
        await self._postgres.ping()

    async def close(self) -> None:
        """Close the connection."""
        await self._postgres.close()


def _files() -> list[tuple[str, str]]:
    folder = files(__package__) / "schema"
    return sorted((file.name, file.read_text("utf-8")) for file in folder.iterdir() if file.name.endswith(".sql"))


#: Users of a slice, which takes some 20 ms.
_SLICE_USERS: Final = 1000
#: Limit of one statement of ``fill_looks``.
_STATEMENT_SECONDS: Final = 60.0
#: Attempts for a slice: a concurrent registration may take a lookalike name.
_ATTEMPTS: Final = 10

_MISSING: Final = """
SELECT id, username FROM users WHERE id > %s AND look IS NULL AND name_key IS NOT NULL ORDER BY id LIMIT %s
"""
_LOCK: Final = "SELECT FROM users WHERE id = ANY(%s::bigint[]) ORDER BY id FOR UPDATE"
_FILL: Final = """
UPDATE users SET look = first.look
  FROM (SELECT DISTINCT ON (look) id, look FROM unnest(%s::bigint[], %s::text[]) AS given (id, look)
         ORDER BY look, id) AS first
 WHERE users.id = first.id AND users.look IS NULL AND users.name_key IS NOT NULL
   AND NOT EXISTS (SELECT FROM users AS other WHERE other.look = first.look)
"""


async def fill_looks(postgres: Postgres) -> int:
    """Set missing lookalike forms; return their number. Of two lookalikes, the user with the lower id gets the form."""
    filled, after = 0, 0
    async with postgres.dedicated(_STATEMENT_SECONDS) as session:
        while rows := await session.fetch(_MISSING, after, _SLICE_USERS):
            ids = [ident for ident, _ in rows]
            filled += await _fill(session, ids, [look(name) for _, name in rows])
            after = ids[-1]
    return filled


async def _fill(session: Session, ids: list[int], looks: list[str]) -> int:
    for tried in range(_ATTEMPTS):
        try:
            async with transaction(session):
                await session.fetch(_LOCK, ids)
                return await session.execute(_FILL, ids, looks)
        except UniqueViolation:
            if tried == _ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")
