"""A subscription to the signals of followed timelines that says nothing for long: it is tested, or given up."""

import pytest

from microblog_streams.config.settings import Settings
from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.stores.redis import live
from microblog_streams.stores.redis.connection import Redis
from microblog_streams.stores.redis.live import CHANNEL, SILENCE_SECONDS, LiveLogs
from microblog_streams.stores.redis.timelines import key

PONG = [b"pong", b""]
SIGNAL = [b"message", CHANNEL, key(7)]


class Subscription:
    """A connection that gives these answers, one a read; None: nothing came in the time. Each read takes all of it."""

    def __init__(self, *answers):
        self.answers = [[b"subscribe", CHANNEL, 1], *answers]
        self.sent = []
        self.now = 0.0

    async def connect(self):
        pass

    async def send_command(self, *command):
        self.sent.append(command)

    async def read_response(self, timeout, **options):
        self.now += SILENCE_SECONDS
        return self.answers.pop(0)

    async def disconnect(self, nowait):
        pass


@pytest.fixture
def subscribed(monkeypatch):
    """Makes the logs whose subscription gives these answers."""

    def subscribed(*answers):
        redis, connection = Redis(Settings()), Subscription(*answers)
        monkeypatch.setattr(redis, "new_connection", lambda: connection)
        monkeypatch.setattr(live, "monotonic", lambda: connection.now)
        return LiveLogs(redis), connection

    return subscribed


async def test_it_goes_on_for_as_long_as_its_tests_are_answered(subscribed):
    logs, connection = subscribed(*[None, PONG] * 5, SIGNAL)

    async with logs.wakes() as messages:
        assert await anext(messages) == [7]

    assert connection.sent == [("SUBSCRIBE", CHANNEL), *[("PING",)] * 5]


async def test_it_is_given_up_when_none_of_two_tests_is_answered(subscribed):
    logs, connection = subscribed(None, None, None)

    with pytest.raises(StoreUnavailable):
        async with logs.wakes() as messages:
            await anext(messages)

    assert connection.sent == [("SUBSCRIBE", CHANNEL), *[("PING",)] * 2]
