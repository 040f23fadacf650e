"""Where a post goes while the topics move: to the generation that takes posts, and never to one that nobody reads."""

from types import SimpleNamespace

import pytest
from aiokafka.errors import MessageSizeTooLargeError

from microblog_streams.delivery.publisher import Closed, Publisher
from microblog_streams.errors import BrokerUnavailable, StoreUnavailable
from microblog_streams.stores.deployment import Deployment, Phase

OLD = Deployment(1, 8)
SWITCHED = Deployment(1, 8, 0, Phase.SWITCHED, 2, 12)


class Message:
    def __init__(self, value):
        self.value = value

    def add_done_callback(self, callback):
        """Nobody waits for it here."""


class Topic:
    """One generation's topic; a closed one refuses whatever it is given."""

    def __init__(self):
        self.closed = False
        self.values = []

    def as_future_message(self, key, value, headers):
        return Message(value)

    async def publish_message(self, message):
        async def outcome():
            if self.closed:
                raise MessageSizeTooLargeError
            self.values.append(message.value)

        return outcome()


class Known:
    """What a worker knows of the deployment, and what PostgreSQL says of it."""

    def __init__(self):
        self.deployment = self.truth = OLD
        self.away = False

    async def refresh(self):
        if self.away:
            raise StoreUnavailable("postgres", "away")
        self.deployment = self.truth
        return self.truth


@pytest.fixture
def topics():
    return {1: Topic(), 2: Topic()}


@pytest.fixture
def known():
    return Known()


@pytest.fixture
def publish(topics, known):
    """Publishes a value, over a connection that stands."""
    connection = SimpleNamespace(connected=lambda: True)
    client = SimpleNamespace(_conns={0: connection})
    app = SimpleNamespace(producer=SimpleNamespace(_producer=SimpleNamespace(client=client)))
    publisher = Publisher(app, lambda name, generation: topics[generation], known, timeout=5.0)

    async def run(value, **options):
        await publisher.publish("post.created", b"key", value, **options)

    return run


async def test_a_post_goes_where_the_deployment_says(publish, topics, known):
    await publish(b"a")
    known.deployment = SWITCHED
    await publish(b"b")
    assert (topics[1].values, topics[2].values) == ([b"a"], [b"b"])


async def test_a_worker_that_has_not_heard_of_the_move_learns_of_it_by_the_closed_topic(publish, topics, known):
    topics[1].closed, known.truth = True, SWITCHED
    await publish(b"a")
    await publish(b"b")
    assert (topics[1].values, topics[2].values) == ([], [b"a", b"b"])


async def test_one_that_is_cut_off_from_postgresql_then_takes_no_posts(publish, topics, known):
    topics[1].closed, known.truth, known.away = True, SWITCHED, True
    with pytest.raises(BrokerUnavailable, match="nobody says where"):
        await publish(b"a")
    assert topics[2].values == []


async def test_a_record_that_is_too_large_goes_nowhere_else(publish, topics):
    topics[1].closed = True
    with pytest.raises(BrokerUnavailable, match="no record of this size"):
        await publish(b"a")
    assert topics[2].values == []


async def test_an_event_of_a_given_generation_goes_there_or_nowhere(publish, topics, known):
    await publish(b"a", generation=2)
    topics[1].closed, known.truth = True, SWITCHED
    with pytest.raises(Closed):
        await publish(b"b", generation=1)
    assert (topics[1].values, topics[2].values) == ([], [b"a"])
