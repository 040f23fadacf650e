"""The stores' connections are closed together, also where one cannot be."""

import asyncio
import logging

import pytest
from redis.exceptions import ResponseError

from microblog_streams.aio.tasks import cancel_all
from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.services import connections
from microblog_streams.services.connections import StoreConnections
from tests.support.waiting import until


class Store:
    def __init__(self, name, error=None):
        self.name, self.error, self.open = name, error, True

    async def connect(self):
        pass

    async def ping(self):
        pass

    async def close(self):
        if self.error:
            raise self.error
        self.open = False


async def test_one_that_cannot_be_closed_keeps_none_of_the_others_open(caplog):
    stores = [Store("redis", OSError("broken pipe")), Store("cassandra"), Store("postgres")]
    async with StoreConnections(stores):
        pass
    assert [store.open for store in stores] == [True, False, False]
    assert "store_not_closed store=redis reason=OSError('broken pipe')" in caplog.text


class Unreachable(Store):
    """A store that does not answer; ``tried`` counts the attempts."""

    tried = 0

    async def connect(self):
        self.tried += 1
        raise StoreUnavailable(self.name, "refused")


async def test_a_worker_that_stops_before_a_store_answered_reports_no_connection(caplog):
    caplog.set_level(logging.INFO)
    store = Unreachable("redis")

    async with StoreConnections([store]) as connections:
        await until(lambda: store.tried)

    assert not connections.connected["redis"].is_set()
    assert "store_awaited store=redis" in caplog.text
    assert "store_connected" not in caplog.text


class Refusing(Store):
    """A store that answers, and takes no command of this login any more."""

    async def ping(self):
        raise ResponseError("NOPERM this user has no permissions to run the 'info' command")


async def test_a_store_that_refuses_a_ping_is_reported_like_one_that_is_away(caplog):
    """/health and /metrics would be a 500 as long as it lasts, also of all other stores."""
    connections = StoreConnections([Refusing("redis"), Store("postgres")])

    assert await connections.ping(1.0) == {"redis": "it refuses a ping (ResponseError)", "postgres": "ok"}
    assert "store_refuses_ping store=redis reason=" in caplog.text


class Broker:
    """What a broker that has just started answers: first without its topics."""

    def __init__(self, monkeypatch, *answers):
        self.answers, self.asked, self.stopped_for = answers, 0, []
        monkeypatch.setattr(connections, "partition_counts", self._counts)
        monkeypatch.setattr(connections, "stop_worker", lambda exc: self.stopped_for.append((str(exc), self.asked)))
        monkeypatch.setattr(connections, "RETRY_SECONDS", 0.001)
        monkeypatch.setattr(connections, "LOG_SECONDS", 0.001)

    async def _counts(self, options, topics):
        self.asked += 1
        return {"events": self.answers[min(self.asked, len(self.answers)) - 1]}


async def test_topics_that_a_broker_does_not_know_yet_are_waited_for(monkeypatch, caplog):
    broker = Broker(monkeypatch, 0, 0, 8)

    async with connections.BrokerGate({}, {"events": 8}) as gate:
        assert gate.open.is_set()

    assert (broker.asked, broker.stopped_for) == (3, [])
    assert "topics_awaited reason=topic events is missing" in caplog.text


@pytest.mark.parametrize(("count", "reason"), [(0, "events is missing"), (4, "events has 4 partitions")])
async def test_topics_that_stay_missing_or_are_other_ones_end_the_worker(monkeypatch, count, reason):
    broker = Broker(monkeypatch, count)
    monkeypatch.setattr(connections, "MISSING_SECONDS", 0.02 if count == 0 else 1_000.0)
    gate = connections.BrokerGate({}, {"events": 8})

    starting = asyncio.create_task(gate.on_start())
    await until(lambda: broker.stopped_for)
    await cancel_all([starting])

    text, asked = broker.stopped_for[0]
    assert reason in text
    assert (asked > 1) == (count == 0)
