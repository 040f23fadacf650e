"""How far a consumer group is behind, asked of Kafka from outside and not of the workers.

Workers acknowledge in order and only after an event's effect, so an offset that is committed says that all before it
is done.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from microblog_streams.errors import StoreUnavailable
from microblog_streams.services.kafka_clients import client_options
from microblog_streams.settings import Settings


@dataclass(frozen=True)
class Offsets:
    """Committed and end offsets of topics, connected for as long as ``offsets`` lasts."""

    admin: AIOKafkaAdminClient
    consumer: AIOKafkaConsumer

    async def behind(self, group: str, topics: Sequence[str], partitions: int) -> int:
        """Return how many records a group has not acknowledged yet. Raises StoreUnavailable."""
        return sum(there - done for done, there in [await self.progress(group, name, partitions) for name in topics])

    async def progress(self, group: str, topic: str, partitions: int) -> tuple[int, int]:
        """Return how many records of a topic a group has acknowledged, and how many there are to acknowledge.

        What has expired counts as acknowledged. Raises StoreUnavailable.
        """
        places = [TopicPartition(topic, number) for number in range(partitions)]
        try:
            firsts = await self.consumer.beginning_offsets(places)
            committed = await self.admin.list_consumer_group_offsets(group, partitions=places)
            ends = await self.consumer.end_offsets(places)
        except (KafkaError, OSError) as exc:
            raise StoreUnavailable("kafka", repr(exc)) from exc
        done = [min(ends[place], max(firsts[place], committed[place].offset)) for place in places]
        return sum(done), sum(ends.values())


@asynccontextmanager
async def offsets(settings: Settings) -> AsyncIterator[Offsets]:
    """Connect to Kafka for the length of the block. Raises StoreUnavailable."""
    options = client_options(settings)
    admin, consumer = AIOKafkaAdminClient(**options), AIOKafkaConsumer(**options)
    try:
        try:
            await admin.start()
            await consumer.start()
        except (KafkaError, OSError) as exc:
            raise StoreUnavailable("kafka", repr(exc)) from exc
        yield Offsets(admin, consumer)
    finally:
        await consumer.stop()
        await admin.close()
