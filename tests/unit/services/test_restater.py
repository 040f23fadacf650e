"""Rows in doubt are published again, all of them, once the worker is a member of its group again; none is forgotten."""

import gc

import pytest
from faust.types.tuples import FutureMessage

from microblog_streams.delivery.stale_changelog_rows import StaleChangelogRows
from microblog_streams.domain.errors import NotMine, StoreUnavailable
from microblog_streams.services import row_republisher
from microblog_streams.services.row_republisher import RowRepublisher
from tests.waiting import until


class Store:
    """Takes keys, unless it is away."""

    def __init__(self):
        self.away = False
        self.calls = []

    async def republish(self, keys):
        if self.away:
            raise StoreUnavailable("postgres", "away")
        self.calls.append(sorted(keys))
        return len(keys)

    @property
    def taken(self):
        return sorted(key for call in self.calls for key in call)


@pytest.fixture
def doubts():
    return StaleChangelogRows(lambda message: None)


@pytest.fixture
def store():
    return Store()


@pytest.fixture
def standing():
    return {"good": True}


@pytest.fixture
async def running(doubts, store, standing, monkeypatch):
    monkeypatch.setattr(row_republisher, "INTERVAL", 0.001)
    service = RowRepublisher(doubts, store.republish, lambda: standing["good"])
    await service.start()
    yield service
    await service.stop()


async def test_rows_in_doubt_are_published_again_once(running, doubts, store):
    doubts.add([b"a", b"b"])
    await until(lambda: store.calls)
    doubts.add([b"c"])
    await until(lambda: len(store.calls) == 2)
    assert store.calls == [[b"a", b"b"], [b"c"]]
    assert len(doubts) == 0


async def test_many_rows_are_published_in_batches(running, doubts, store, monkeypatch):
    monkeypatch.setattr(row_republisher, "BATCH", 2)
    doubts.add([b"a", b"b", b"c", b"d", b"e"])
    await until(lambda: len(store.taken) == 5)
    assert max(map(len, store.calls)) == 2


async def test_nothing_is_asked_for_before_the_worker_is_a_member_in_good_standing(running, doubts, store, standing):
    standing["good"] = False
    doubts.add([b"a"])
    ticks = []
    running._in_good_standing = lambda: ticks.append(1) or standing["good"]
    await until(lambda: len(ticks) > 3)
    assert store.calls == []
    standing["good"] = True
    await until(lambda: store.calls == [[b"a"]])


async def test_while_the_store_is_away_nothing_is_forgotten(running, doubts, store, caplog):
    store.away = True
    doubts.add([b"a", b"b"])
    await until(lambda: "rows_in_doubt" in caplog.text)
    doubts.add([b"c"])
    store.away = False
    await until(lambda: store.taken == [b"a", b"b", b"c"])
    assert len(doubts) == 0


async def test_a_failure_that_nobody_expects_forgets_nothing_either(doubts, caplog):
    async def broken(keys):
        raise ZeroDivisionError

    service = RowRepublisher(doubts, broken, lambda: True)
    doubts.add([b"a"])
    await service.restate()
    assert len(doubts) == 1
    assert "ZeroDivisionError" in caplog.text


async def test_a_stop_restates_what_was_given_up_too(store):
    class Held:
        def check(self):
            """The partition is this worker's."""

    doubts = StaleChangelogRows(lambda message: Held())
    service = RowRepublisher(doubts, store.republish, lambda: False)
    await service.start()
    record = FutureMessage(None)
    doubts.watch(None, b"a", record)
    record.set_exception(TimeoutError())
    await until(lambda: doubts._given_up)
    await service.stop()
    assert store.calls == [[b"a"]]


async def test_a_record_that_failed_once_its_partition_was_anothers_is_no_alarm(caplog):
    """Its outcome is looked at, or asyncio logs a traceback when it is collected."""

    class Lost:
        def check(self):
            raise NotMine("another has it")

    doubts, record = StaleChangelogRows(lambda message: Lost()), FutureMessage(None)
    doubts.watch(None, b"a", record)
    record.set_exception(TimeoutError())
    await until(lambda: len(doubts))
    del record
    gc.collect()
    assert caplog.text == ""
