"""Migrations run while workers of the previous release serve; a worker starts only on a database that is migrated."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from microblog_streams.config.settings import Settings
from microblog_streams.domain.errors import SetupError
from microblog_streams.stores.postgres import migrations
from microblog_streams.stores.postgres.connection import Postgres
from microblog_streams.stores.postgres.migrations import MigratedPostgres, migrate
from tests.support.connections import opened
from tests.support.waiting import until

NEW = "999_new.sql"
WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%new_column%'"


@pytest.fixture
def new_file(monkeypatch, outsider):
    """A migration that takes the strongest lock on a table, and is not applied."""
    files = [*migrations._files(), (NEW, "ALTER TABLE users ADD COLUMN new_column text")]
    monkeypatch.setattr(migrations, "_files", lambda: files)
    yield
    outsider("ALTER TABLE users DROP COLUMN IF EXISTS new_column")
    outsider("DELETE FROM schema_migrations WHERE name = %s", NEW)


@asynccontextmanager
async def backup(postgres):
    """Read the table of users in a transaction that lasts as long as the block, as pg_dump does."""
    async with postgres.dedicated(60) as session:
        await session.execute("BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0")
        await session.fetch("SELECT id FROM users")
        yield
        await session.execute("COMMIT")


async def test_a_migration_behind_a_backup_holds_up_no_call_for_longer_than_a_call_waits(
    postgres, migrated_settings, new_file, outsider
):
    # What a call waits for a lock as it comes. Here it waits longer, since a busy machine adds to both.
    assert Settings.model_fields["store_timeout"].default * 750 > migrations._LOCK_MS
    async with opened(Postgres(migrated_settings)) as serving:
        async with backup(postgres):
            migrating = asyncio.create_task(migrate(postgres))
            await until(lambda: outsider(WAITING) or migrating.done())
            # A query behind the waiting ALTER TABLE; without a limit it would wait as long as the backup takes.
            assert await serving.fetch("SELECT id FROM users") == []
            assert not migrating.done()
        assert await migrating == [NEW]


async def test_a_worker_refuses_a_database_that_lacks_a_migration_of_its_release(postgres, migrated_settings, new_file):
    connection = MigratedPostgres(Postgres(migrated_settings))
    try:
        with pytest.raises(SetupError, match=f"lacks {NEW}: run `faust -A microblog_streams migrate`"):
            await connection.connect()
        await migrate(postgres)
        await connection.connect()
    finally:
        await connection.close()


async def test_a_worker_takes_a_database_of_a_later_release(postgres, migrated_settings, new_file, monkeypatch):
    await migrate(postgres)
    files = [file for file in migrations._files() if file[0] != NEW]
    monkeypatch.setattr(migrations, "_files", lambda: files)
    async with opened(MigratedPostgres(Postgres(migrated_settings))) as connection:
        await connection.ping()
