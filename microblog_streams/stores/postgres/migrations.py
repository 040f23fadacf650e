"""Brings the database's schema up to date: numbered files in ``schema/``, each in a transaction, each once.

Fills in what names look like for people who registered before that was kept.

In slices, while workers go on: a slice locks its users in the order of ids, as everybody does.
"""

from importlib.resources import files
from typing import Final

from psycopg2.errors import UniqueViolation

from microblog_streams.domain.lookalikes import look
from microblog_streams.stores.postgres.connection import Lock, Postgres, transaction
from microblog_streams.stores.postgres.session import Session

#: Seconds that one file may take, and the wait for somebody else who migrates.
_FILE_SECONDS: Final = 600.0

_TABLE: Final = """
CREATE TABLE IF NOT EXISTS schema_migrations (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())
"""


async def migrate(postgres: Postgres) -> list[str]:
    """Apply the files that were not applied yet; return their names. Two at once are safe: the second one waits."""
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


#: People of a slice; one takes some 20 ms.
_SLICE_USERS: Final = 1000
#: Seconds that one statement may take.
_STATEMENT_SECONDS: Final = 60.0
#: How often a slice is tried: somebody may register a name that looks like one of it meanwhile.
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
    """Fill in what is missing; return for how many. Of two who look alike the one who came first gets it."""
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
