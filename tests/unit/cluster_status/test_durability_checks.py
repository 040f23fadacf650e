"""Warnings about settings, topics and the keyspace that are too weak for the guarantees."""

from dataclasses import replace

import pytest
from pydantic import SecretStr

from microblog_streams.cluster_status import durability_checks
from microblog_streams.cluster_status.durability_checks import DAY_MS
from microblog_streams.config.settings import Settings
from microblog_streams.domain.topics import DEAD_LETTERS
from microblog_streams.kafka.topics import TopicState
from microblog_streams.stores.cassandra.keyspace import KeyspaceState, copies

HERE = Settings.model_construct()
ELSEWHERE = Settings(kafka_url=SecretStr("kafka://kafka-1,kafka-2"), replication_factor=3)
EVENTS = TopicState("post.created", 3, 2, 7 * DAY_MS, -1, frozenset({"delete"}), unclean_election=False)
CHANGELOG = replace(EVENTS, name="microblog-followers-changelog", policies=frozenset({"compact"}))
LETTERS = replace(EVENTS, name=DEAD_LETTERS, retention=-1)
GOOD = [EVENTS, CHANGELOG, LETTERS]
KEYSPACE = KeyspaceState("microblog", 3, durable_writes=True, commitlog_sync="periodic")


@pytest.mark.parametrize("level", ["ONE", "LOCAL_ONE"])
def test_a_consistency_level_below_quorum_is_a_warning(level):
    (line,) = durability_checks.of_settings(ELSEWHERE.model_copy(update={"cassandra_consistency": level}))
    assert f"MICROBLOG_CASSANDRA_CONSISTENCY is {level}" in line


def test_three_copies_give_no_warning():
    assert [*durability_checks.of_settings(ELSEWHERE), *durability_checks.of_topics(ELSEWHERE, GOOD)] == []
    assert list(durability_checks.of_keyspace(ELSEWHERE, KEYSPACE)) == []


def test_the_local_stack_is_not_warned_of_its_single_copies():
    found = [replace(topic, copies=1, min_insync=1) for topic in GOOD]
    assert [*durability_checks.of_settings(HERE), *durability_checks.of_topics(HERE, found)] == []
    assert list(durability_checks.of_keyspace(HERE, replace(KEYSPACE, copies=1, commitlog_sync="batch"))) == []


def test_values_stronger_than_the_settings_give_no_warning():
    found = [replace(topic, copies=5, min_insync=3) for topic in [replace(EVENTS, retention=99 * DAY_MS), *GOOD[1:]]]
    assert list(durability_checks.of_topics(ELSEWHERE, found)) == []
    assert list(durability_checks.of_topics(ELSEWHERE, [replace(EVENTS, retention=-1)])) == []
    assert list(durability_checks.of_keyspace(ELSEWHERE, replace(KEYSPACE, copies=5))) == []


@pytest.mark.parametrize(
    ("topic", "words"),
    [
        (replace(EVENTS, copies=1, min_insync=1), ["topics have one copy", "min.insync.replicas is 1"]),
        (replace(EVENTS, copies=2), ["topics have 2 copies, and MICROBLOG_REPLICATION_FACTOR is 3"]),
        (replace(EVENTS, min_insync=1), ["min.insync.replicas is 1"]),
        (replace(EVENTS, copies=2, min_insync=3), ["topics have 2 copies", "min.insync.replicas is 3 of 2 copies"]),
        (replace(EVENTS, unclean_election=True), ["unclean.leader.election.enable is true"]),
        (replace(EVENTS, policies=frozenset({"compact", "delete"})), ["cleanup.policy is compact,delete, not delete"]),
        (
            replace(EVENTS, retention=3_600_000),
            ["events are kept for 1 hours, and MICROBLOG_EVENT_RETENTION_DAYS is 7"],
        ),
        (replace(EVENTS, retention_bytes=1_000), ["retention.bytes is set"]),
        (replace(CHANGELOG, policies=frozenset({"delete"})), ["cleanup.policy is delete, not compact: rows"]),
        (replace(LETTERS, retention=7 * DAY_MS), ["retention.ms is 604800000, not -1: dead letters expire"]),
    ],
)
def test_a_warning_names_the_topic_and_its_weakness(topic, words):
    found = list(durability_checks.of_topics(ELSEWHERE, [topic]))
    assert len(found) == len(words)
    assert all(word in line and topic.name in line for word, line in zip(words, found, strict=True))


def test_topics_with_the_same_weakness_share_a_warning():
    found = [replace(EVENTS, name=name, copies=2) for name in ("b", "a")]
    (line,) = durability_checks.of_topics(ELSEWHERE, found)
    assert line.endswith("(a, b)")


def test_a_local_topic_that_drops_events_early_is_a_warning():
    (line,) = durability_checks.of_topics(HERE, [replace(EVENTS, copies=1, min_insync=1, retention=DAY_MS)])
    assert "events are kept for 24 hours" in line


@pytest.mark.parametrize(
    ("keyspace", "settings", "words"),
    [
        (replace(KEYSPACE, copies=1, commitlog_sync=None), ELSEWHERE, "has one copy"),
        (replace(KEYSPACE, copies=2), ELSEWHERE, "has 2 copies, and MICROBLOG_REPLICATION_FACTOR is 3"),
        (replace(KEYSPACE, durable_writes=False), ELSEWHERE, "durable_writes off"),
        (replace(KEYSPACE, copies=1), HERE, "commitlog_sync is periodic"),
    ],
)
def test_a_warning_names_the_keyspace_and_its_weakness(keyspace, settings, words):
    (line,) = durability_checks.of_keyspace(settings, keyspace)
    assert words in line


@pytest.mark.parametrize(
    ("replication", "fewest"),
    [
        ({"class": "SimpleStrategy", "replication_factor": "1"}, 1),
        ({"class": "NetworkTopologyStrategy", "a": "3", "b": "2"}, 2),
        ({"class": "NetworkTopologyStrategy", "a": "3/1"}, 2),
        ({"class": "LocalStrategy"}, 1),
    ],
)
def test_copies_are_those_of_the_data_centre_with_the_fewest(replication, fewest):
    assert copies(replication) == fewest
