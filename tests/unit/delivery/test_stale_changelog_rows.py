"""Rows in doubt are published again, all of them, once the worker is a member of its group again; none is forgotten."""

import gc

import pytest
from faust.types.tuples import FutureMessage

from microblog_streams.delivery import stale_changelog_rows
from microblog_streams.delivery.stale_changelog_rows import RowRepublisher, StaleChangelogRows
from microblog_streams.domain.errors import NotMine, StoreUnavailable
from tests.support.waiting import until


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
def stale_rows():
    return StaleChangelogRows(lambda message: None)


@pytest.fixture
def store():
    return Store()


@pytest.fixture
def standing():
    return {"good": True}


@pytest.fixture
async def running(stale_rows, store, standing, monkeypatch):
    monkeypatch.setattr(stale_changelog_rows, "CHECK_SECONDS", 0.001)
    service = RowRepublisher(stale_rows, store.republish, lambda: standing["good"])
    await service.start()
    yield service
    await service.stop()


async def test_stale_rows_are_republished_once(running, stale_rows, store):
    stale_rows.add([b"a", b"b"])
    await until(lambda: store.calls)
    stale_rows.add([b"c"])
    await until(lambda: len(store.calls) == 2)
    assert store.calls == [[b"a", b"b"], [b"c"]]
    assert len(stale_rows) == 0


async def test_many_rows_are_published_in_batches(running, stale_rows, store, monkeypatch):
    monkeypatch.setattr(stale_changelog_rows, "BATCH_ROWS", 2)
    stale_rows.add([b"a", b"b", b"c", b"d", b"e"])
    await until(lambda: len(store.taken) == 5)
    assert max(map(len, store.calls)) == 2


async def test_nothing_is_asked_for_before_the_worker_is_a_member_has_lease(running, stale_rows, store, standing):
    standing["good"] = False
    stale_rows.add([b"a"])
    ticks = []
    running._has_lease = lambda: ticks.append(1) or standing["good"]
    await until(lambda: len(ticks) > 3)
    assert store.calls == []
    standing["good"] = True
    await until(lambda: store.calls == [[b"a"]])


async def test_while_the_store_is_away_nothing_is_forgotten(running, stale_rows, store, caplog):
    store.away = True
    stale_rows.add([b"a", b"b"])
    await until(lambda: "rows_in_doubt" in caplog.text)
    stale_rows.add([b"c"])
    store.away = False
    await until(lambda: store.taken == [b"a", b"b", b"c"])
    assert len(stale_rows) == 0


async def test_an_unexpected_failure_forgets_nothing(stale_rows, caplog):
    async def broken(keys):
        raise ZeroDivisionError

    service = RowRepublisher(stale_rows, broken, lambda: True)
    stale_rows.add([b"a"])
    await service.republish()
    assert len(stale_rows) == 1
    assert "ZeroDivisionError" in caplog.text


async def test_a_stop_restates_what_was_given_up_too(store):
    class Held:
        def check(self):
            """The partition is this worker's."""

    stale_rows = StaleChangelogRows(lambda message: Held())
    service = RowRepublisher(stale_rows, store.republish, lambda: False)
    await service.start()
    record = FutureMessage(None)
    stale_rows.watch(None, b"a", record)
    record.set_exception(TimeoutError())
    await until(lambda: stale_rows._given_up)
    await service.stop()
    assert store.calls == [[b"a"]]


async def test_a_record_that_failed_once_its_partition_was_anothers_is_no_alarm(caplog):
    """Its outcome is looked at, or asyncio logs a traceback when it is collected."""

    class Lost:
        def check(self):
            raise NotMine("another has it")

    stale_rows, record = StaleChangelogRows(lambda message: Lost()), FutureMessage(None)
    stale_rows.watch(None, b"a", record)
    record.set_exception(TimeoutError())
    await until(lambda: len(stale_rows))
    del record
    gc.collect()
    assert caplog.text == ""
