"""What Kafka must have before a worker starts."""

import pytest

from microblog_streams.config.settings import Settings
from microblog_streams.domain.errors import SetupError, StoreUnavailable
from microblog_streams.domain.topics import topic_partitions
from microblog_streams.kafka import topics
from microblog_streams.kafka.topics import check_topics, create_topics


def test_a_topic_that_is_missing_is_named_with_what_to_do():
    with pytest.raises(SetupError, match="topic b is missing: run"):
        check_topics({"a": 8, "b": 0}, {"a": 8, "b": 8})


def test_another_number_of_partitions_is_refused():
    with pytest.raises(SetupError, match=r"topic a has 4 partitions.* 8"):
        check_topics({"a": 4}, {"a": 8})


def test_where_no_number_is_asked_for_any_will_do():
    check_topics({"a": 4, "b": 8}, {"a": None, "b": 8})
    with pytest.raises(SetupError, match="topic a is missing"):
        check_topics({"a": 0}, {"a": None})


class Brokers:
    """Stands for the brokers: they know a topic some looks after the controller has created it."""

    def __init__(self, monkeypatch, looks):
        self.looks, self.created, self.timeouts = looks, [], set()
        monkeypatch.setattr(topics, "_create", self._create)
        monkeypatch.setattr(topics, "partition_counts", self._counts)
        monkeypatch.setattr(topics, "_KNOWN_SECONDS", 0.001)

    async def _create(self, settings, missing):
        self.created = [topic.name for topic in missing]

    async def _counts(self, options, names, timeout):
        self.looks -= bool(self.created)
        self.timeouts.add(timeout)
        return dict.fromkeys(names, 3 if self.created and self.looks <= 0 else 0)


async def test_topics_are_created_when_the_brokers_know_them(monkeypatch):
    brokers = Brokers(monkeypatch, looks=4)

    created = await create_topics(Settings(), 1, 3)

    assert created == sorted(brokers.created) == sorted(topic_partitions(1, 3))
    assert brokers.looks == 0


async def test_brokers_may_take_as_long_for_each_look_as_for_the_creation(monkeypatch):
    brokers = Brokers(monkeypatch, looks=2)

    await create_topics(Settings(), 1, 3)

    assert brokers.timeouts == {topics.CREATE_TIMEOUT_MS / 1000}


async def test_topics_that_the_brokers_do_not_get_to_know_are_an_error(monkeypatch):
    Brokers(monkeypatch, looks=1_000_000)
    monkeypatch.setattr(topics, "CREATE_TIMEOUT_MS", 20)

    with pytest.raises(StoreUnavailable, match=r"does not know .*dead\.letters"):
        await create_topics(Settings(), 1, 3)
