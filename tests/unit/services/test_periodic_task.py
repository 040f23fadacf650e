"""What is too old goes, batch by batch, whatever happens to PostgreSQL meanwhile: here Idempotency-Keys."""

import pytest

from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.domain.ids import new_post_id
from microblog_streams.domain.models import IdempotencyKey
from microblog_streams.services import periodic_tasks
from microblog_streams.services.periodic_tasks import PeriodicTask, sweeping
from tests.support.fakes.database import FakeDatabase
from tests.support.fakes.idempotency import FakeIdempotency
from tests.support.waiting import until

ONCE = IdempotencyKey("key", b"digest")


@pytest.fixture
def database():
    return FakeDatabase()


@pytest.fixture
async def five_old_keys(database):
    idempotency = FakeIdempotency(database)
    for author in range(1, 6):
        await idempotency.claim(author, ONCE, new_post_id())
    database.let_a_day_pass()


@pytest.fixture
async def sweep(database, five_old_keys, monkeypatch):
    monkeypatch.setattr(periodic_tasks, "LONGEST_PAUSE_SECONDS", 0.002)
    monkeypatch.setattr(periodic_tasks, "BATCH_ROWS", 2)
    async with PeriodicTask("keys", sweeping(FakeIdempotency(database).sweep)) as service:
        yield service


async def test_more_than_a_batch_is_swept_at_once(database, five_old_keys, monkeypatch):
    monkeypatch.setattr(periodic_tasks, "BATCH_ROWS", 2)
    async with PeriodicTask("keys", sweeping(FakeIdempotency(database).sweep)):
        await until(lambda: not database.keys)


async def test_young_keys_stay(sweep, database):
    await FakeIdempotency(database).claim(9, ONCE, new_post_id())

    await until(lambda: len(database.keys) == 1)

    assert list(database.keys) == [(9, "key")]


async def test_while_postgres_is_away_it_waits(sweep, database):
    await until(lambda: not database.keys)
    database.away = True
    with pytest.raises(StoreUnavailable):
        await FakeIdempotency(database).sweep(1)
    database.keep(1, ONCE)
    database.let_a_day_pass()

    database.away = False

    await until(lambda: not database.keys)


async def test_a_defect_does_not_end_the_worker(sweep, database, monkeypatch, caplog):
    with monkeypatch.context() as broken:
        broken.setattr(database, "check", None)
        await until(lambda: "chore_failed name=keys" in caplog.text)

    await until(lambda: not database.keys)
    assert not sweep.crashed
