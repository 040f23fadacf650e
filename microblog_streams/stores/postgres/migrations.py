"""Migrations: the numbered files in ``schema/``, each applied once, and the lookalike forms of old users.

``fill_looks`` adds the form by which names are compared (``domain.lookalikes``) to users who registered before it was
stored. It works in slices while workers run; a slice locks its users by id, as all transactions do.
"""

from importlib.resources import files
from typing import Final

from psycopg2.errors import UniqueViolation

from microblog_streams.domain.lookalikes import look
from microblog_streams.stores.postgres.connection import Lock, Postgres, transaction
from microblog_streams.stores.postgres.session import Session

#: Limit of one file, and of the wait for a concurrent migration.
_FILE_SECONDS: Final = 600.0

_TABLE: Final = """
CREATE TABLE IF NOT EXISTS schema_migrations (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())
"""


async def migrate(postgres: Postgres) -> list[str]:
    """Apply the new files; return their names. A concurrent migration waits for this one."""
    async with postgres.dedicated(_FILE_SECONDS) as session:
        await session.execute("SELECT pg_advisory_lock(%s)", int(Lock.MIGRATE))
        await session.execute(_TABLE)
        done = {name for (name,) in await session.fetch("SELECT name FROM schema_migrations")}
        missing = [(name, sql) for name, sql in _files() if name not in done]
        for name, sql in missing:
            await _apply(session, name, sql)
        return [name for name, _ in missing]


async def _apply(session: Session, name: str, sql: str) -> None:
    async with transaction(session):
        await session.execute(sql)
        await session.execute("INSERT INTO schema_migrations (name) VALUES (%s)", name)


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
