"""Creates the topics, the followers table's changelog among them, with what their promises need."""

from typing import TYPE_CHECKING

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, for_code

from microblog_streams import topics
from microblog_streams.configuration import LARGEST_EVENT, LARGEST_RECORD
from microblog_streams.errors import StoreUnavailable
from microblog_streams.services.broker import check_topics, partition_counts
from microblog_streams.services.kafka_clients import client_options

if TYPE_CHECKING:
    from microblog_streams.application import MicroblogApp

#: Milliseconds.
DAY = 24 * 3600 * 1000
EXISTS = 36  # TOPIC_ALREADY_EXISTS


async def create_topics(app: "MicroblogApp") -> list[str]:
    """Create the topics that are missing; return their names. SetupError where one has other partitions."""
    wanted = {topic.name: topic for topic in _topics(app)}
    try:
        counts = await partition_counts(client_options(app.settings), list(wanted))
        missing = [topic for name, topic in wanted.items() if not counts[name]]
        if missing:
            await _create(app, missing)
    except (KafkaError, OSError) as exc:
        raise StoreUnavailable("kafka", exc) from exc
    created = {topic.name for topic in missing}
    check_topics(
        counts | dict.fromkeys(created, app.settings.partitions), dict.fromkeys(wanted, app.settings.partitions)
    )
    return sorted(created)


async def _create(app: "MicroblogApp", missing: list[NewTopic]) -> None:
    admin = AIOKafkaAdminClient(**client_options(app.settings), request_timeout_ms=15_000)
    await admin.start()
    try:
        answer = await admin.create_topics(missing)
    finally:
        await admin.close()
    for name, code, *_ in answer.topic_errors:
        if code not in (0, EXISTS):
            raise StoreUnavailable("kafka", f"cannot create {name}: {for_code(code).__name__}")


def _topics(app: "MicroblogApp") -> list[NewTopic]:
    settings = app.settings
    copies = settings.replication_factor
    promises = {
        "min.insync.replicas": str(settings.min_insync),
        "unclean.leader.election.enable": "false",
        "max.message.bytes": str(LARGEST_EVENT),
    }
    events = promises | {"cleanup.policy": "delete", "retention.ms": str(settings.event_retention_days * DAY)}
    # Room for an event of any size with the headers that say why it is here.
    kept = promises | {"cleanup.policy": "delete", "retention.ms": "-1", "max.message.bytes": str(LARGEST_RECORD)}
    changelog = promises | {"cleanup.policy": "compact"}
    configs = {app.topic_name(name): events for name in topics.ALL}
    configs |= {app.topic_name(topics.DEAD_LETTERS): kept, app.changelog_name(): changelog}
    return [NewTopic(name, settings.partitions, copies, topic_configs=config) for name, config in configs.items()]
