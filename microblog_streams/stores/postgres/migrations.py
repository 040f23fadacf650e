"""Brings the database's schema up to date: numbered files in ``schema/``, each in a transaction, each once."""

from importlib.resources import files
from typing import Final

from microblog_streams.stores.postgres.connection import Lock, Postgres, transaction
from microblog_streams.stores.postgres.session import Session

#: Seconds that one file may take, and the wait for somebody else who migrates.
_LIMIT: Final = 600.0

_TABLE: Final = """
CREATE TABLE IF NOT EXISTS schema_migrations (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())
"""


async def migrate(postgres: Postgres) -> list[str]:
    """Apply the files that were not applied yet; return their names. Two at once are safe: the second one waits."""
    async with postgres.dedicated(_LIMIT) as session:
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
