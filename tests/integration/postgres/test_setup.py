"""Setting a database up: tables once, in order, by one at a time; the row that all workers agree on."""

import asyncio

import pytest

from microblog_streams.config import environment
from microblog_streams.domain.deployment import Deployment
from microblog_streams.domain.errors import SetupError
from microblog_streams.stores.postgres.connection import Postgres
from microblog_streams.stores.postgres.deployment import create_deployment, get_deployment
from microblog_streams.stores.postgres.migrations import migrate
from tests.support.connections import opened


@pytest.fixture
async def empty(empty_settings):
    async with opened(Postgres(empty_settings)) as postgres:
        yield postgres


async def test_a_database_without_tables_is_reported_and_then_set_up_once(empty):
    with pytest.raises(SetupError, match="migrate"):
        await get_deployment(empty)

    applied = await asyncio.gather(migrate(empty), migrate(empty))
    with pytest.raises(SetupError, match="migrate"):
        await get_deployment(empty)
    deployment = await create_deployment(empty, 16)

    first, second = sorted(applied, key=len)
    assert first == []
    assert second == sorted(second)
    assert second[0] == "001_people.sql"
    assert await migrate(empty) == []
    assert deployment == Deployment(generation=1, partitions=16, era=0)
    assert await create_deployment(empty, 4) == deployment
    assert await get_deployment(empty) == deployment


async def test_libpqs_variables_reach_no_session(empty_settings, monkeypatch):
    ours = {"PGTZ": "Asia/Tokyo", "PGDATESTYLE": "German", "PGCLIENTENCODING": "LATIN1", "PGOPTIONS": "-c geqo=off"}
    wrong = {"PGSSLMODE": "verify-full", "PGTARGETSESSIONATTRS": "standby", "PGREQUIREAUTH": "none", "PGSSLSNI": "x"}
    for name, value in {**ours, **wrong, "PGGEQO": "off", "PGCHANNELBINDING": "require"}.items():
        monkeypatch.setenv(name, value)
    environment.remove_foreign_variables()
    async with opened(Postgres(empty_settings)) as postgres:
        shown = [(await postgres.fetch_one(f"SHOW {name}"))[0] for name in ("timezone", "client_encoding", "geqo")]
    assert shown == ["UTC", "UTF8", "on"]
