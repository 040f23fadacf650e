"""The newest posts, read from the ends of the log."""

import asyncio
from dataclasses import dataclass
from functools import partial

import pytest
from pydantic import SecretStr

from microblog_streams.domain.deployment import Deployment, Phase
from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.domain.events import PostCreated
from microblog_streams.domain.ids import encode_entry, new_post_id, post_time
from microblog_streams.domain.topics import POST_CREATED, topic_name
from microblog_streams.kafka import newest_posts
from microblog_streams.kafka.newest_posts import NewestPosts
from microblog_streams.kafka.topics import create_topics
from tests.support.live.kafka import Kafka
from tests.support.waiting import PATIENT_SECONDS

PARTITIONS = 3
#: Topic sets of this module's own, one after the other.
TOPIC_SET, NEXT_TOPIC_SET = 71, 72
PRESENT = Deployment(TOPIC_SET, PARTITIONS)


@dataclass(frozen=True)
class Log:
    """The topics of posts, and posts that are written to them."""

    kafka: Kafka
    settings: object

    def write(self, count, topic_set=TOPIC_SET, authors=7):
        """Write posts of several authors; return their entries, oldest first."""
        posts = [_post(number % authors + 1) for number in range(count)]
        self.kafka.publish_all(topic_name(POST_CREATED, topic_set), posts)
        return [encode_entry(post.post_id, post.user_id) for post in posts]

    def newest(self, deployment):
        return NewestPosts(self.settings, lambda: deployment)


def _post(author):
    ident = new_post_id()
    return PostCreated(post_id=ident, user_id=author, content="hello", created_at=post_time(ident))


@pytest.fixture(autouse=True)
def patient_reads(monkeypatch):
    """A worker gives up after some seconds, in which a busy machine may let a broker wait."""
    monkeypatch.setattr(newest_posts, "READ_SECONDS", 4 * PATIENT_SECONDS)
    for name in ("_FETCH_MS", "_REQUEST_MS"):
        monkeypatch.setattr(newest_posts, name, int(PATIENT_SECONDS * 1_000))
    patient_counts = partial(newest_posts.partition_counts, timeout=PATIENT_SECONDS)
    monkeypatch.setattr(newest_posts, "partition_counts", patient_counts)


@pytest.fixture
def log(stack):
    """Two topic sets without a record."""
    kafka = Kafka(stack.settings.kafka_url.get_secret_value())
    for topic_set in (TOPIC_SET, NEXT_TOPIC_SET):
        asyncio.run(create_topics(stack.settings, topic_set, PARTITIONS))
    yield Log(kafka, stack.settings)
    for topic_set in (TOPIC_SET, NEXT_TOPIC_SET):
        kafka.remove(topic_name(POST_CREATED, topic_set))


def newest(log, limit, deployment=PRESENT):
    return asyncio.run(log.newest(deployment).newest(limit))


def test_the_newest_posts_of_all_partitions_are_found(log):
    entries = log.write(500)

    found = newest(log, 40)

    assert set(found) >= set(entries[-40:])
    assert len(found) == PARTITIONS * 40
    assert sorted(newest(log, 1_000)) == entries


def test_an_empty_log_has_none(log):
    assert newest(log, 40) == []


def test_a_topic_that_the_broker_does_not_know_is_an_error_and_not_an_empty_log(log):
    with pytest.raises(StoreUnavailable, match="does not know the topic"):
        newest(log, 40, Deployment(NEXT_TOPIC_SET + 1, PARTITIONS))


def test_after_a_repartition_those_of_the_topic_set_before_are_found_too(log):
    before, after = log.write(20), log.write(5, NEXT_TOPIC_SET)

    assert sorted(newest(log, 100, Deployment(NEXT_TOPIC_SET, PARTITIONS))) == before + after
    moving = Deployment(TOPIC_SET, PARTITIONS, 0, Phase.SWITCHED, NEXT_TOPIC_SET, PARTITIONS)
    assert sorted(newest(log, 100, moving)) == before + after


def test_what_cannot_be_decoded_is_left_out(log):
    entries = log.write(3)
    topic = topic_name(POST_CREATED, TOPIC_SET)
    log.kafka.publish(topic, b"\0" * 8, b"nonsense")
    log.kafka.publish(topic, b"\0" * 8, None)
    log.kafka.publish(topic, b"\0" * 8, b"{}", headers=[("schema", b"2")])

    assert sorted(newest(log, 100)) == entries


def test_a_broker_that_is_away_is_said(stack):
    away = stack.settings.model_copy(update={"kafka_url": SecretStr("kafka://localhost:9")})

    with pytest.raises(StoreUnavailable, match="kafka"):
        asyncio.run(NewestPosts(away, lambda: Deployment(1, 8)).newest(10))
