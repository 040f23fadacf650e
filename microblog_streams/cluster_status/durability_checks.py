"""Warnings of ``/health`` about settings and stores that are too weak for what the system guarantees.

The settings about copies take effect only when ``migrate`` creates something, so Kafka and Cassandra are asked what
they have (``services.health_watches``). The local stack, on one machine, is not warned about single copies. Values
that are stronger than the settings are fine.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from microblog_streams.config.settings import Settings
from microblog_streams.domain import topics
from microblog_streams.kafka.topics import TopicState
from microblog_streams.stores.cassandra.keyspace import KeyspaceState

#: Consistency levels at which reads see all quorum writes, and quorum reads see all writes.
QUORUM_LEVELS = ("LOCAL_QUORUM", "QUORUM", "EACH_QUORUM", "ALL")
#: Milliseconds; -1 is how Kafka writes "without limit".
HOUR_MS, DAY_MS, UNLIMITED = 3_600_000, 86_400_000, -1


def of_settings(settings: Settings) -> Iterator[str]:
    """Yield a warning for each setting of a worker that is too weak."""
    level = settings.cassandra_consistency
    if level not in QUORUM_LEVELS:
        yield f"MICROBLOG_CASSANDRA_CONSISTENCY is {level}: a post can be lost, or not found, with one node"


def of_topics(settings: Settings, found: Iterable[TopicState]) -> Iterator[str]:
    """Yield a warning for each weakness of topics, with the names of all topics that have it."""
    topics_by_warning: dict[str, list[str]] = defaultdict(list)
    for topic in found:
        for line in (*_check_copies(settings, topic), *_check_retention(settings, topic)):
            topics_by_warning[line].append(topic.name)
    for line, names in topics_by_warning.items():
        yield f"kafka: {line} ({', '.join(sorted(names))})"


def _check_copies(settings: Settings, topic: TopicState) -> Iterator[str]:
    if topic.copies < 2 and not settings.loopback:
        yield "topics have one copy: what its broker loses is lost"
    elif topic.copies < settings.replication_factor:
        yield f"topics have {topic.copies} copies, and MICROBLOG_REPLICATION_FACTOR is {settings.replication_factor}"
    if topic.min_insync > topic.copies:
        yield f"min.insync.replicas is {topic.min_insync} of {topic.copies} copies: nothing can be sent"
    elif topic.min_insync < 2 and not settings.loopback:
        yield "min.insync.replicas is 1: an event confirmed by one broker can be lost with it"
    elif topic.min_insync < settings.min_insync:
        yield f"min.insync.replicas is {topic.min_insync}, and by the settings {settings.min_insync}"
    if topic.unclean_election:
        yield "unclean.leader.election.enable is true: a broker that lacks confirmed events can become the leader"


def _check_retention(settings: Settings, topic: TopicState) -> Iterator[str]:
    expected = "compact" if topic.is_changelog else "delete"
    if topic.policies != {expected}:
        found = ",".join(sorted(topic.policies)) or "none"
        loss = "rows of the followers table go" if topic.is_changelog else "events go before they were read"
        yield f"cleanup.policy is {found}, not {expected}: {loss}"
    if topic.is_changelog:
        return
    if topic.retention_bytes != UNLIMITED:
        yield "retention.bytes is set: events go before their time where there are many"
    if topic.name == topics.DEAD_LETTERS:
        if topic.retention != UNLIMITED:
            yield f"retention.ms is {topic.retention}, not -1: dead letters expire before an operator has seen them"
    elif UNLIMITED < topic.retention < settings.event_retention_days * DAY_MS:
        kept = f"{topic.retention / HOUR_MS:g} hours"
        yield f"events are kept for {kept}, and MICROBLOG_EVENT_RETENTION_DAYS is {settings.event_retention_days}"


def of_keyspace(settings: Settings, found: KeyspaceState) -> Iterator[str]:
    """Yield a warning for each weakness of the keyspace."""
    name = f"cassandra: keyspace {found.name}"
    if found.copies < 2 and not settings.loopback:
        yield f"{name} has one copy: what its node loses is lost"
    elif found.copies < settings.replication_factor:
        yield f"{name} has {found.copies} copies, and MICROBLOG_REPLICATION_FACTOR is {settings.replication_factor}"
    if not found.durable_writes:
        yield f"{name} has durable_writes off: a node that crashes loses posts"
    if found.copies < 2 and found.commitlog_sync == "periodic":
        yield f"{name} has one copy, and commitlog_sync is periodic, not batch or group: a crash loses confirmed posts"
