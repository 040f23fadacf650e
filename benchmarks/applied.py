"""How many of the events on a topic the workers have applied and acknowledged: the group's offsets in Kafka.

Workers acknowledge in order and only after an event's effect, so an offset that is committed says that all before it
is done. It is asked of Kafka and not of the workers.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from benchmarks.client import Client
from microblog_streams.config.settings import Settings
from microblog_streams.domain.topics import app_id, topic_name

#: Seconds between looks.
_POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Group:
    """A consumer group, seen from outside."""

    name: str
    admin: AIOKafkaAdminClient
    consumer: AIOKafkaConsumer
    partitions: int

    async def applied(self, topic: str) -> tuple[int, int]:
        """Return how many records of a topic are applied, and how many there are (nothing expires meanwhile)."""
        name = topic_name(topic, 1)
        places = [TopicPartition(name, number) for number in range(self.partitions)]
        committed = await self.admin.list_consumer_group_offsets(self.name, partitions=places)
        ends = await self.consumer.end_offsets(places)
        return sum(max(0, committed[place].offset) for place in places), sum(ends.values())


@asynccontextmanager
async def group(settings: Settings, name: str = app_id(1)) -> AsyncIterator[Group]:
    """Connect to Kafka for the length of the block. ``name`` is the group's, by default the workers'."""
    servers = settings.kafka_url.get_secret_value().removeprefix("kafka://")
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    consumer = AIOKafkaConsumer(bootstrap_servers=servers)
    try:
        await admin.start()
        await consumer.start()
        yield Group(name, admin, consumer, settings.partitions)
    finally:
        await consumer.stop()
        await admin.close()


async def until_applied(
    group: Group, client: Client, topic: str, count: int, deadline: float, report: Callable[[int], object]
) -> None:
    """Return when ``count`` records of a topic are applied and the outbox is empty. Raises TimeoutError.

    ``deadline``: seconds. ``report`` is told the number that is applied by now.
    """
    end = time.monotonic() + deadline
    while True:
        applied, there = await group.applied(topic)
        report(applied)
        if applied >= count and applied == there and await _idle(client):
            return
        if time.monotonic() > end:
            raise TimeoutError(f"{applied:,} of {count:,} events of {topic} were applied within {deadline:.0f} s")
        await asyncio.sleep(_POLL_SECONDS)


async def _idle(client: Client) -> bool:
    """Return whether the outbox is empty and no worker has an event in flight."""
    reports = await client.health()
    return all(report["outbox"]["depth"] == 0 and report["delivery"]["unacked"] == 0 for report in reports)
