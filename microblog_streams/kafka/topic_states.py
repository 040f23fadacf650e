"""Asks Kafka how topics are: copies and configuration, as the brokers have them and not as the settings say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import for_code

from microblog_streams.config.settings import Settings
from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.kafka.clients import client_options, translated

#: ms for an answer.
PATIENCE_MS: Final = 5_000


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
    admin = AIOKafkaAdminClient(**client_options(settings), request_timeout_ms=PATIENCE_MS)
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
