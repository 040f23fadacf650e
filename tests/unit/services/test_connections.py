"""The stores' connections are closed together, also where one cannot be."""

import logging

from redis.exceptions import ResponseError

from microblog_streams.domain.errors import StoreUnavailable
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
