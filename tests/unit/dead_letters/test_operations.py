"""The count of open dead letters, as parts go and come back."""

from contextlib import asynccontextmanager

import pytest

from microblog_streams.dead_letters import operations
from microblog_streams.dead_letters.operations import DeadLetterWatch, count_open
from microblog_streams.domain.errors import StoreUnavailable
from tests.support.fakes.database import FakeDatabase
from tests.support.fakes.dead_letters import FakeDeadLetterReader, FakeResolvedLetters
from tests.support.waiting import until


@pytest.fixture
def reader():
    return FakeDeadLetterReader()


@pytest.fixture
def resolved():
    return FakeResolvedLetters(FakeDatabase())


@pytest.fixture
async def watch(reader, resolved, monkeypatch):
    monkeypatch.setattr(operations, "INTERVAL_SECONDS", 0.001)

    @asynccontextmanager
    async def connect():
        if reader.away:
            raise StoreUnavailable("kafka", "away")
        yield reader

    async with DeadLetterWatch(connect, lambda found: count_open(found, resolved)) as watch:
        yield watch


async def test_the_count_follows_what_is_added_and_resolved(watch, reader, resolved):
    await until(lambda: watch.open == 0)
    reader.add(b"0")
    reader.add(b"1", partition=1)
    await until(lambda: watch.open == 2)
    await resolved.resolve(1, 0, "discarded")
    await until(lambda: watch.open == 1)


async def test_nothing_is_read_for_it(watch, reader):
    reader.add(b"0")
    await until(lambda: watch.open == 1)
    assert reader.read == []


async def test_while_kafka_is_away_the_count_is_unknown_and_then_it_is_known_again(watch, reader):
    reader.add(b"0")
    await until(lambda: watch.open == 1)
    reader.away = True
    await until(lambda: watch.open is None)
    reader.away = False
    await until(lambda: watch.open == 1)


async def test_while_postgresql_is_away_the_count_is_unknown_and_then_it_is_known_again(watch, reader, resolved):
    reader.add(b"0")
    await until(lambda: watch.open == 1)
    resolved.database.away = True
    await until(lambda: watch.open is None)
    resolved.database.away = False
    await until(lambda: watch.open == 1)


async def test_a_defect_in_the_count_ends_neither_it_nor_the_worker(watch, reader, monkeypatch, caplog):
    await until(lambda: watch.open == 0)
    with monkeypatch.context() as broken:
        broken.setattr(reader, "bounds", None)
        await until(lambda: watch.open is None)
    await until(lambda: watch.open == 0)
    assert not watch.crashed
    assert "dead_letters_unknown" in caplog.text
