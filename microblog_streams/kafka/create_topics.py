"""Creates a generation's topics, the followers table's changelog among them, with what their promises need."""

from collections.abc import Mapping

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, for_code

from microblog_streams.config.settings import Settings
from microblog_streams.domain import topics
from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.domain.topics import MAX_EVENT_BYTES, MAX_RECORD_BYTES, changelog_name, topic_partitions
from microblog_streams.kafka.clients import client_options
from microblog_streams.kafka.topic_states import check_topics, partition_counts

#: Milliseconds.
DAY = 24 * 3600 * 1000
EXISTS = 36  # TOPIC_ALREADY_EXISTS


async def create_topics(settings: Settings, generation: int, partitions: int) -> list[str]:
    """Create a generation's topics that are missing; return their names. SetupError where one has other partitions."""
    expected = topic_partitions(generation, partitions)
    try:
        counts = await partition_counts(client_options(settings), list(expected))
        missing = {name: partitions for name, count in counts.items() if not count}
        if missing:
            await _create(settings, _topics(settings, generation, missing))
    except (KafkaError, OSError) as exc:
        raise StoreUnavailable("kafka", exc) from exc
    check_topics(counts | missing, expected)
    return sorted(missing)


async def _create(settings: Settings, missing: list[NewTopic]) -> None:
    admin = AIOKafkaAdminClient(**client_options(settings), request_timeout_ms=15_000)
    try:
        await admin.start()
        answer = await admin.create_topics(missing)
    finally:
        await admin.close()
    for name, code, *_ in answer.topic_errors:
        if code not in (0, EXISTS):
            raise StoreUnavailable("kafka", f"cannot create {name}: {for_code(code).__name__}")


def _topics(settings: Settings, generation: int, missing: Mapping[str, int]) -> list[NewTopic]:
    """Return the missing topics, by name, with their partitions."""
    promises = {
        "min.insync.replicas": str(settings.min_insync),
        "unclean.leader.election.enable": "false",
        "max.message.bytes": str(MAX_EVENT_BYTES),
    }
    events = promises | {"cleanup.policy": "delete", "retention.ms": str(settings.event_retention_days * DAY)}
    # Room for an event of any size with the headers that say why it is here.
    kept = promises | {"cleanup.policy": "delete", "retention.ms": "-1", "max.message.bytes": str(MAX_RECORD_BYTES)}
    changelog = promises | {"cleanup.policy": "compact"}
    special = {topics.DEAD_LETTERS: kept, changelog_name(generation): changelog}
    return [
        NewTopic(name, partitions, settings.replication_factor, topic_configs=special.get(name, events))
        for name, partitions in missing.items()
    ]
