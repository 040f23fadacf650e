"""The topics as the brokers have them: read their configuration, check them, create what is missing, close old ones.

A closed topic refuses every record, from every producer. Posts are published by every worker, and one that is cut off
from PostgreSQL would go on publishing where no worker reads any more. So the brokers refuse: ``max.message.bytes`` 0 is
less than any record. The leaders of partitions learn of it some moments later, so each is probed until it refuses for
that reason. The probe is a record that is never appended, because its time is years ahead: the refusal changes from its
time to its size. (A broker before Kafka 4.0 does not check a record's time by default: there a probe that comes too
early is an undecodable event and becomes a dead letter.)
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import InvalidTimestampError, KafkaConnectionError, KafkaError, MessageSizeTooLargeError, for_code

from microblog_streams.config.settings import Settings
from microblog_streams.domain import topics
from microblog_streams.domain.errors import SetupError, StoreUnavailable, TopicMissing
from microblog_streams.domain.topics import MAX_EVENT_BYTES, MAX_RECORD_BYTES, changelog_name, topic_partitions
from microblog_streams.kafka.clients import client_options, reason, translated

#: Time-outs: reading configuration, creating topics (for each request of that), and reading partitions.
READ_TIMEOUT_MS: Final = 5_000
CREATE_TIMEOUT_MS: Final = 15_000
PARTITIONS_TIMEOUT_SECONDS: Final = 3.0
DAY_MS: Final = 24 * 3600 * 1000
#: Seconds between two looks for topics that were just created.
_KNOWN_SECONDS: Final = 0.1
#: The error code of CreateTopics for a topic that another worker has just created.
TOPIC_ALREADY_EXISTS: Final = 36


@dataclass(frozen=True, slots=True)
class TopicState:
    """A topic's configuration. ``retention`` is in milliseconds, ``retention_bytes`` per partition; -1: no limit."""

    name: str
    #: Replicas of the partition that has the fewest.
    copies: int
    min_insync: int
    retention: int
    retention_bytes: int
    policies: frozenset[str]
    unclean_election: bool

    @property
    def is_changelog(self) -> bool:
        """Whether it is the changelog of a table."""
        return self.name.endswith("-changelog")


async def topic_states(settings: Settings, names: Sequence[str]) -> Sequence[TopicState]:
    """Return the configuration of topics. Raises StoreUnavailable, also without permission; SetupError."""
    admin = AIOKafkaAdminClient(**client_options(settings), request_timeout_ms=READ_TIMEOUT_MS)
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
    """Return each topic's configuration, with the brokers' defaults."""
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


async def partition_counts(
    options: Mapping[str, Any], topics: list[str], timeout: float = PARTITIONS_TIMEOUT_SECONDS
) -> dict[str, int]:
    """Return the number of partitions of each topic, 0 where it is missing. ``timeout`` is a request's, in seconds.

    Raises KafkaError and OSError, and SetupError where the broker refuses the connection.
    """
    client = AIOKafkaClient(**options, request_timeout_ms=int(timeout * 1000))
    try:
        await _bootstrap(client, options, timeout)
        await client.set_topics(topics)
        return {topic: len(client.cluster.partitions_for_topic(topic) or ()) for topic in topics}
    finally:
        await client.close()


async def _bootstrap(client: AIOKafkaClient, options: Mapping[str, Any], timeout: float) -> None:
    try:
        await client.bootstrap()
    except KafkaConnectionError:
        raise await reason(options, timeout) from None


def check_topics(found: Mapping[str, int], expected: Mapping[str, int | None]) -> None:
    """Raise TopicMissing for the first topic that is missing, SetupError for another number of partitions."""
    for topic, partitions in expected.items():
        if not found[topic]:
            raise TopicMissing(f"topic {topic} is missing: run `faust -A microblog_streams migrate`")
        if partitions is not None and found[topic] != partitions:
            raise SetupError(
                f"topic {topic} has {found[topic]} partitions, and the deployment (MICROBLOG_PARTITIONS, when it was "
                f"set up) {partitions}: delete that topic if it is empty, and run `faust -A microblog_streams migrate`"
            )


async def create_topics(settings: Settings, topic_set: int, partitions: int) -> list[str]:
    """Create the topics of a topic set that are missing, with its changelog and dead.letters; return their names.

    Returns when the brokers know them: the controller answers before, and a worker started then would miss its topics.
    Raises StoreUnavailable, and SetupError where a topic has another number of partitions.
    """
    expected = topic_partitions(topic_set, partitions)
    try:
        counts = await _counts(settings, expected)
        missing = {name: partitions for name, count in counts.items() if not count}
        if missing:
            await _create(settings, _topics(settings, topic_set, missing))
            await _until_known(settings, missing)
    except (KafkaError, OSError) as exc:
        raise StoreUnavailable("kafka", exc) from exc
    check_topics(counts | missing, expected)
    return sorted(missing)


async def _create(settings: Settings, missing: list[NewTopic]) -> None:
    admin = AIOKafkaAdminClient(**client_options(settings), request_timeout_ms=CREATE_TIMEOUT_MS)
    try:
        await admin.start()
        answer = await admin.create_topics(missing)
    finally:
        await admin.close()
    for name, code, *_ in answer.topic_errors:
        if code not in (0, TOPIC_ALREADY_EXISTS):
            raise StoreUnavailable("kafka", f"cannot create {name}: {for_code(code).__name__}")


async def _until_known(settings: Settings, created: Mapping[str, int]) -> None:
    try:
        async with asyncio.timeout(CREATE_TIMEOUT_MS / 1000):
            while not await _are_known(settings, created):  # noqa: ASYNC110 -- the brokers are asked
                await asyncio.sleep(_KNOWN_SECONDS)
    except TimeoutError:
        raise StoreUnavailable("kafka", f"does not know {', '.join(created)} yet: run this again") from None


async def _are_known(settings: Settings, names: Mapping[str, int]) -> bool:
    return all((await _counts(settings, names)).values())


async def _counts(settings: Settings, names: Mapping[str, object]) -> dict[str, int]:
    return await partition_counts(client_options(settings), list(names), CREATE_TIMEOUT_MS / 1000)


def _topics(settings: Settings, topic_set: int, missing: Mapping[str, int]) -> list[NewTopic]:
    """Return the missing topics, given by name with their partitions, with the configuration that durability needs."""
    durable = {
        "min.insync.replicas": str(settings.min_insync),
        "unclean.leader.election.enable": "false",
        "max.message.bytes": str(MAX_EVENT_BYTES),
    }
    events = durable | {"cleanup.policy": "delete", "retention.ms": str(settings.event_retention_days * DAY_MS)}
    # Larger than an event: a dead letter has headers besides, and is kept without limit.
    dead_letters = durable | {
        "cleanup.policy": "delete",
        "retention.ms": "-1",
        "max.message.bytes": str(MAX_RECORD_BYTES),
    }
    changelog = durable | {"cleanup.policy": "compact"}
    special = {topics.DEAD_LETTERS: dead_letters, changelog_name(topic_set): changelog}
    return [
        NewTopic(name, partitions, settings.replication_factor, topic_configs=special.get(name, events))
        for name, partitions in missing.items()
    ]


#: Where a configuration's value comes from: the topic itself (DescribeConfigs, ``config_source``).
_OF_TOPIC: Final = 1
#: Milliseconds from now to the time of a probe.
_PROBE_AHEAD_MS: Final = 10 * 365 * 24 * 3600 * 1000
#: Seconds between two rounds of probes, and after which closing fails.
_PROBE_SECONDS, _CLOSE_TIMEOUT_SECONDS = 0.2, 30.0


async def close_topics(options: Mapping[str, Any], names: Sequence[str]) -> None:
    """Close the topics; return when every partition refuses records. Raises StoreUnavailable."""
    try:
        await _close(options, names)
        await _until_refused(options, names)
    except (KafkaError, OSError) as exc:
        raise StoreUnavailable("kafka", f"cannot close {', '.join(names)}: {exc!r}") from exc


async def _close(options: Mapping[str, Any], names: Sequence[str]) -> None:
    admin = AIOKafkaAdminClient(**options)
    try:
        await admin.start()
        for name in names:
            own = await _own_configuration(admin, name)
            closed = ConfigResource(ConfigResourceType.TOPIC, name, {**own, "max.message.bytes": "0"})
            for answer in await admin.alter_configs([closed]):
                _raise_error(answer.resources)
    finally:
        await admin.close()


async def _own_configuration(admin: AIOKafkaAdminClient, name: str) -> dict[str, str]:
    """Return what the topic sets itself: the protocol's request replaces all of it."""
    (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
    _raise_error(answer.resources)
    ((*_, entries),) = answer.resources
    return {entry[0]: entry[1] for entry in entries if entry[3] == _OF_TOPIC}


def _raise_error(resources: Sequence[tuple[Any, ...]]) -> None:
    for code, message, *_ in resources:
        if code:
            raise for_code(code)(message)


async def _until_refused(options: Mapping[str, Any], names: Sequence[str]) -> None:
    producer = AIOKafkaProducer(**options, acks="all")
    try:
        await producer.start()
        async with asyncio.timeout(_CLOSE_TIMEOUT_SECONDS):
            asked = [(name, partition) for name in names for partition in await producer.partitions_for(name)]
            while asked:
                asked = [place for place in asked if not await _refused(producer, *place)]
                await asyncio.sleep(_PROBE_SECONDS if asked else 0)
    except TimeoutError:
        raise StoreUnavailable("kafka", f"still takes records in {', '.join(names)}: run this again") from None
    finally:
        await producer.stop()


async def _refused(producer: AIOKafkaProducer, name: str, partition: int) -> bool:
    ahead = int(time.time() * 1000) + _PROBE_AHEAD_MS
    try:
        await producer.send_and_wait(name, b"closed?", partition=partition, timestamp_ms=ahead)
    except MessageSizeTooLargeError:
        return True
    except InvalidTimestampError:
        return False
    return False
