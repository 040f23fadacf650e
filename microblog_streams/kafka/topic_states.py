"""Asks Kafka how topics are: copies and configuration, as the brokers have them and not as the settings say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaConnectionError, for_code

from microblog_streams.config.settings import Settings
from microblog_streams.domain.errors import SetupError, StoreUnavailable
from microblog_streams.kafka.clients import client_options, reason, translated

#: Milliseconds that the brokers have to answer for topics, and seconds for their partitions.
TIMEOUT_MS: Final = 5_000
TIMEOUT_SECONDS: Final = 3.0


@dataclass(frozen=True, slots=True)
class TopicState:
    """A topic as Kafka has it. ``retention`` is in ms, ``retention_bytes`` of a partition; -1: no limit."""

    name: str
    #: Of the partition that has the fewest.
    copies: int
    min_insync: int
    retention: int
    retention_bytes: int
    policies: frozenset[str]
    unclean_election: bool

    @property
    def is_changelog(self) -> bool:
        """Whether it is that of a table."""
        return self.name.endswith("-changelog")


async def topic_states(settings: Settings, names: Sequence[str]) -> Sequence[TopicState]:
    """Return how these topics are. Raises StoreUnavailable, also where we may not ask, SetupError for bad settings."""
    admin = AIOKafkaAdminClient(**client_options(settings), request_timeout_ms=TIMEOUT_MS)
    with translated():
        try:
            await admin.start()
            described = await admin.describe_topics(list(names))
            resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
            answers = await admin.describe_configs(resources)
        finally:
            await admin.close()
    copies = {topic["topic"]: _fewest(topic) for topic in described}
    configured = _configured(answers)
    return [_state(name, copies[name], configured[name]) for name in names]


def _fewest(topic: Mapping[str, Any]) -> int:
    _check(topic["error_code"], topic["topic"])
    return min(len(partition["replicas"]) for partition in topic["partitions"])


def _configured(answers: Sequence[Any]) -> dict[str, dict[str, str]]:
    """Return each topic's configuration, the brokers' defaults with it."""
    found = {}
    for answer in answers:
        for code, _, _, name, entries in answer.resources:
            _check(code, name)
            found[name] = {entry[0]: entry[1] or "" for entry in entries}
    return found


def _state(name: str, copies: int, configured: Mapping[str, str]) -> TopicState:
    return TopicState(
        name,
        copies,
        min_insync=int(configured["min.insync.replicas"]),
        retention=int(configured["retention.ms"]),
        retention_bytes=int(configured["retention.bytes"]),
        policies=frozenset(filter(None, configured["cleanup.policy"].split(","))),
        unclean_election=configured["unclean.leader.election.enable"] == "true",
    )


def _check(code: int, topic: str) -> None:
    if code:
        raise StoreUnavailable("kafka", f"{for_code(code).__name__} for {topic}")


async def partition_counts(options: Mapping[str, Any], topics: list[str]) -> dict[str, int]:
    """Return how many partitions each of the topics has, 0 where it is missing.

    Raises KafkaError and OSError, and SetupError where the broker refuses us.
    """
    client = AIOKafkaClient(**options, request_timeout_ms=int(TIMEOUT_SECONDS * 1000))
    try:
        await _bootstrap(client, options)
        await client.set_topics(topics)
        return {topic: len(client.cluster.partitions_for_topic(topic) or ()) for topic in topics}
    finally:
        await client.close()


async def _bootstrap(client: AIOKafkaClient, options: Mapping[str, Any]) -> None:
    try:
        await client.bootstrap()
    except KafkaConnectionError:
        raise await reason(options, TIMEOUT_SECONDS) from None


def check_topics(found: Mapping[str, int], expected: Mapping[str, int | None]) -> None:
    """Raise SetupError for the first topic that is missing or has another number of partitions."""
    for topic, partitions in expected.items():
        if not found[topic]:
            raise SetupError(f"topic {topic} is missing: run `faust -A microblog_streams migrate`")
        if partitions is not None and found[topic] != partitions:
            raise SetupError(
                f"topic {topic} has {found[topic]} partitions, and the deployment (MICROBLOG_PARTITIONS, when it was "
                f"set up) {partitions}: delete that topic if it is empty, and run `faust -A microblog_streams migrate`"
            )
