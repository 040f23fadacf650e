"""A database of its own for each test module, emptied before each test, and the stores on it."""

import uuid

import psycopg2
import pytest
import pytest_asyncio
from psycopg2 import sql
from psycopg2.extensions import make_dsn
from pydantic import SecretStr
from yarl import URL

from microblog_streams.stores.postgres import connection
from microblog_streams.stores.postgres.connection import Postgres
from microblog_streams.stores.postgres.credentials import Passwords, Tokens
from microblog_streams.stores.postgres.deployment import create_deployment
from microblog_streams.stores.postgres.follows import Blocks, Follows
from microblog_streams.stores.postgres.idempotency import Idempotency
from microblog_streams.stores.postgres.migrations import migrate
from microblog_streams.stores.postgres.outbox import Outbox, head, remove
from microblog_streams.stores.postgres.profiles import Profiles
from microblog_streams.stores.postgres.resolved_letters import ResolvedLetters
from microblog_streams.stores.postgres.users import Users
from tests.support.connections import opened
from tests.support.fakes.log import FakeLog


def pytest_collection_modifyitems(items):
    for item in items:
        if "integration/postgres" in str(item.path):
            item.add_marker(pytest.mark.integration)


def run(url, statement, *params):
    """Run a statement on a connection that the code under test does not use."""
    connection = psycopg2.connect(make_dsn(url))
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement, params or None)
            return cursor.fetchall() if cursor.description else None
    finally:
        connection.close()


@pytest.fixture(scope="module")
def empty_settings(stack):
    """Settings that lead to a database without tables."""
    server, name = stack.settings.postgres_url.get_secret_value(), f"test_{uuid.uuid4().hex}"
    run(server, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    url = URL(server).with_path(f"/{name}")
    yield stack.settings.model_copy(update={"postgres_url": SecretStr(str(url)), "pool_size": 5})
    run(server, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def migrated_settings(empty_settings):
    """Settings that lead to a database with its tables."""
    async with opened(Postgres(empty_settings)) as postgres:
        await migrate(postgres)
        await create_deployment(postgres, 8)
    return empty_settings


@pytest.fixture(autouse=True)
def patient_transactions(monkeypatch):
    """Tests hold transactions open until another session waits for them, which takes a busy machine a while."""
    monkeypatch.setattr(connection, "_IDLE_IN_TRANSACTION_MS", 600_000)


@pytest.fixture
def outsider(empty_settings):
    """Runs a statement on the module's database, over a connection of its own."""
    url = empty_settings.postgres_url.get_secret_value()
    return lambda statement, *params: run(url, statement, *params)


@pytest.fixture
async def postgres(migrated_settings, outsider):
    tables = "users, follows, blocks, outbox, idempotency, graph_imports, settled_letters, tokens, passwords"
    counts = "follow_counts, follow_count_changes, counted_deleted_users"
    outsider(f"TRUNCATE {tables}, {counts} RESTART IDENTITY")
    outsider("UPDATE deployment SET era = 0")
    async with opened(Postgres(migrated_settings)) as postgres:
        yield postgres


@pytest.fixture
def users(postgres):
    return Users(postgres)


@pytest.fixture
def profiles(postgres):
    return Profiles(postgres)


@pytest.fixture
def follows(postgres):
    return Follows(postgres)


@pytest.fixture
def blocks(postgres):
    return Blocks(postgres)


class OpenOutbox(Outbox):
    """The outbox, read and emptied over any session: tests have one server."""

    async def head(self, limit):
        async with self._postgres.connection() as session:
            return await head(session, limit)

    async def remove(self, ids):
        async with self._postgres.connection() as session:
            await remove(session, ids)


@pytest.fixture
def outbox(postgres):
    return OpenOutbox(postgres)


@pytest.fixture
def idempotency(postgres):
    return Idempotency(postgres)


@pytest.fixture
def tokens(postgres):
    return Tokens(postgres)


@pytest.fixture
def passwords(postgres):
    return Passwords(postgres)


@pytest.fixture
def days_pass(postgres):
    """Makes every token so many days older."""

    async def let_them_pass(days):
        times = ("created_at", "expires_at", "revoked_at")
        older = ", ".join(f"{time} = {time} - interval '{days} days'" for time in times)
        await postgres.execute(f"UPDATE tokens SET {older}")

    return let_them_pass


@pytest.fixture
def resolved(postgres):
    return ResolvedLetters(postgres)


@pytest.fixture
def age(postgres):
    """Lets everything be resolved an hour ago."""

    async def age_it():
        await postgres.execute("UPDATE settled_letters SET settled_at = settled_at - interval '1 hour'")

    return age_it


@pytest.fixture
def a_day_passes(postgres):
    """Makes every Idempotency-Key a day older."""

    async def let_it_pass():
        await postgres.execute("UPDATE idempotency SET expires_at = expires_at - interval '24 hours'")

    return let_it_pass


@pytest.fixture
def raise_era(postgres):
    async def raise_it():
        await postgres.execute("UPDATE deployment SET era = era + 1")

    return raise_it


@pytest.fixture
def log():
    return FakeLog()
