"""Which settings cannot keep the promises."""

import pytest
from pydantic import SecretStr

from microblog_streams.promises import broken
from microblog_streams.settings import Settings

ELSEWHERE = {"kafka_url": SecretStr("kafka://kafka-1,kafka-2")}


def test_the_local_stack_is_not_warned_of_itself():
    assert list(broken(Settings.model_construct())) == []


def test_three_copies_keep_everything():
    assert list(broken(Settings(**ELSEWHERE, replication_factor=3))) == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"replication_factor": 1}, ["MICROBLOG_REPLICATION_FACTOR is 1", "min.insync.replicas is 1"]),
        ({"replication_factor": 2}, ["min.insync.replicas is 1"]),
        ({"replication_factor": 3, "min_insync_replicas": 1}, ["min.insync.replicas is 1"]),
        ({"replication_factor": 3, "cassandra_consistency": "ONE"}, ["MICROBLOG_CASSANDRA_CONSISTENCY is ONE"]),
        (
            {"replication_factor": 3, "cassandra_consistency": "LOCAL_ONE"},
            ["MICROBLOG_CASSANDRA_CONSISTENCY is LOCAL_ONE"],
        ),
    ],
)
def test_what_loses_with_one_machine_is_named(settings, words):
    found = list(broken(Settings(**ELSEWHERE, **settings)))
    assert len(found) == len(words)
    assert all(word in line for word, line in zip(words, found, strict=True))
