"""A worker warns of what the brokers and the keyspace are, whatever the settings say."""

import asyncio

import pytest

from microblog_streams.cluster_status import durability_checks
from microblog_streams.cluster_status.durability_checks import DAY_MS
from microblog_streams.domain.topics import DEAD_LETTERS, POST_CREATED, topic_partitions
from microblog_streams.kafka.topics import topic_states
from microblog_streams.stores.cassandra.driver import Address, open_cluster

#: What a topic of the local stack is made with, as far as it matters to the tests after this.
WEEK = {"min_insync_replicas": "1", "cleanup_policy": "delete", "retention_ms": str(7 * DAY_MS)}


@pytest.fixture
def forgetful(migrated, kafka):
    """Topics and a keyspace that keep less than is promised."""
    address = Address.of(migrated.settings)
    kafka.configure(POST_CREATED, **{**WEEK, "retention_ms": "3600000"})
    kafka.configure(DEAD_LETTERS, retention_ms=str(DAY_MS), max_message_bytes=str(2 * 1024**2))
    with open_cluster(migrated.settings) as cluster:
        session = cluster.connect()
        session.execute(f"ALTER KEYSPACE {address.keyspace} WITH durable_writes = false", timeout=30)
        yield
        session.execute(f"ALTER KEYSPACE {address.keyspace} WITH durable_writes = true", timeout=30)
    kafka.configure(POST_CREATED, **WEEK)
    kafka.configure(DEAD_LETTERS, retention_ms="-1", max_message_bytes=str(2 * 1024**2))


def warnings(worker):
    health = worker.call("GET", "/health").body
    return health["warnings"] if isinstance(health, dict) else []


def about_parts(worker):
    return [line for line in warnings(worker) if line.startswith(("kafka:", "cassandra:"))]


def test_settings_that_weaken_durability_are_named(forgetful, workers, eventually):
    worker = workers().start(ROLES="web")
    # Each part is read by itself, and again where it did not answer: until then a line says that it was not read.
    eventually(lambda: len(lines := about_parts(worker)) == 3 and "not be read" not in "\n".join(lines), worker)
    early, letters, durable = about_parts(worker)
    assert early == f"kafka: events are kept for 1 hours, and MICROBLOG_EVENT_RETENTION_DAYS is 7 ({POST_CREATED})"
    assert f"retention.ms is {DAY_MS}, not -1" in letters
    assert "durable_writes off" in durable


def test_the_schema_of_migrate_passes_all_durability_checks(migrated):
    names = list(topic_partitions(1, 8))
    states = asyncio.run(topic_states(migrated.settings, names))
    assert [state.name for state in states] == names
    assert list(durability_checks.of_topics(migrated.settings, states)) == []


def test_settings_beyond_what_exists_give_a_warning(workers, eventually):
    worker = workers().start(ROLES="web", REPLICATION_FACTOR="3", EVENT_RETENTION_DAYS="8")
    # Of a replication factor of 3, by the settings 2 must have an event.
    expected = (
        "topics have 1 copies",
        "min.insync.replicas is 1, and",
        "kept for 168 hours",
        "keyspace microblog has 1",
    )
    eventually(lambda: all(words in "\n".join(about_parts(worker)) for words in expected), worker)
