"""Where a post goes while the topics move, and what is said where the broker does not confirm it."""

import asyncio
from types import SimpleNamespace

import pytest
from aiokafka.errors import MessageSizeTooLargeError

from microblog_streams.delivery.publisher import Publisher, TopicClosed
from microblog_streams.domain.deployment import Deployment, Phase
from microblog_streams.domain.errors import BrokerUnavailable, OutcomeUnknown, StoreUnavailable

OLD = Deployment(1, 8)
SWITCHED = Deployment(1, 8, 0, Phase.SWITCHED, 2, 12)


class Message:
    def __init__(self, value):
        self.value = value

    def add_done_callback(self, callback):
        """No caller waits for it here."""


class Topic:
    """One generation's topic; a closed one refuses whatever it is given."""

    def __init__(self):
        self.closed = False
        self.silent = False
        self.values = []

    def as_future_message(self, key, value, headers):
        return Message(value)

    async def publish_message(self, message):
        async def outcome():
            if self.closed:
                raise MessageSizeTooLargeError
            if self.silent:
                await asyncio.Event().wait()
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


class Client:
    """The producer's client: its connection stands, and the broker answers when it is asked, or does not."""

    def __init__(self):
        self._conns = {0: SimpleNamespace(connected=lambda: True)}
        self.answers = True
        self.asked = 0

    async def force_metadata_update(self):
        self.asked += 1
        return self.answers


@pytest.fixture
def client():
    return Client()


@pytest.fixture
def timeout():
    return 5.0


@pytest.fixture
def publish(topics, known, client, timeout):
    """Publishes a value, over a connection that stands."""
    app = SimpleNamespace(producer=SimpleNamespace(_producer=SimpleNamespace(client=client)))
    publisher = Publisher(app, lambda name, generation: topics[generation], known, timeout)

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
    with pytest.raises(BrokerUnavailable, match="the new ones are unknown"):
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
    with pytest.raises(TopicClosed):
        await publish(b"b", generation=1)
    assert (topics[1].values, topics[2].values) == ([], [b"a"])


class TestABrokerThatIsSilent:
    """A frozen broker keeps its connections, and answers nothing."""

    @pytest.fixture
    def timeout(self):
        return 0.01

    @pytest.fixture
    async def unconfirmed(self, publish, topics):
        """A first record that was not confirmed in time."""
        topics[1].silent = True
        with pytest.raises(OutcomeUnknown, match="no confirmation"):
            await publish(b"a")

    async def test_what_comes_after_a_record_without_confirmation_is_not_sent(self, unconfirmed, publish, client):
        client.answers = False
        for _ in range(3):
            with pytest.raises(BrokerUnavailable):
                await publish(b"b")
        assert client.asked == 1  # at most once a second

    async def test_it_is_sent_as_soon_as_the_broker_answers(self, unconfirmed, publish, topics, client):
        topics[1].silent = False
        await publish(b"b")
        await publish(b"c")
        assert topics[1].values == [b"b", b"c"]
        assert client.asked == 1
