"""How far a consumer group is behind, asked of Kafka from outside and not of the workers.

Workers acknowledge in order and only after an event's effect, so an offset that is committed says that all before it
is done.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from microblog_streams.config.settings import Settings
from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.kafka.clients import client_options, translated

Ends = Mapping[TopicPartition, int]
#: Records that are not acknowledged yet, by topic (as Kafka calls it) and partition.
Lags = Mapping[tuple[str, int], int]


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
        places = _places(topic, partitions)
        with translated():
            firsts = await self.consumer.beginning_offsets(places)
            ends = await self.consumer.end_offsets(places)
        committed = await self._committed(group, places)
        done = [min(ends[place], max(firsts[place], committed[place])) for place in places]
        return sum(done), sum(ends.values())

    async def lags(self, group: str, topics: Sequence[str], partitions: int) -> Lags:
        """Return how many records a group has not acknowledged yet, of each partition. Raises StoreUnavailable."""
        places = [place for name in topics for place in _places(name, partitions)]
        with translated():
            firsts = await self.consumer.beginning_offsets(places)
            ends = await self.consumer.end_offsets(places)
        committed = await self._committed(group, places)
        done = {place: min(ends[place], max(firsts[place], committed[place])) for place in places}
        return {(place.topic, place.partition): ends[place] - done[place] for place in places}

    async def ends(self, topics: Sequence[str], partitions: int) -> Ends:
        """Return where the records that there are now end. Raises StoreUnavailable."""
        places = [place for name in topics for place in _places(name, partitions)]
        with translated():
            return dict(await self.consumer.end_offsets(places))

    async def reached(self, group: str, ends: Ends) -> bool:
        """Tell whether a group has acknowledged all records before these ends. Raises StoreUnavailable."""
        places = list(ends)
        with translated():
            firsts = await self.consumer.beginning_offsets(places)
        committed = await self._committed(group, places)
        return all(max(firsts[place], committed[place]) >= ends[place] for place in places)

    async def expired(self, group: str, topics: Sequence[str], partitions: int) -> int:
        """Return how many records expired before a group had acknowledged them. Raises StoreUnavailable."""
        return sum([await self._expired(group, name, partitions) for name in topics])

    async def _expired(self, group: str, topic: str, partitions: int) -> int:
        places = _places(topic, partitions)
        with translated():
            firsts = await self.consumer.beginning_offsets(places)
        committed = await self._committed(group, places)
        return sum(max(0, firsts[place] - max(0, committed[place])) for place in places)

    async def _committed(self, group: str, places: Sequence[TopicPartition]) -> Ends:
        """Return the committed offsets, -1 where there is none. Raises StoreUnavailable.

        aiokafka takes the answer of a broker that has just started, and that knows nothing of the group yet, for one
        that names no partition.
        """
        with translated():
            told = await self.admin.list_consumer_group_offsets(group, partitions=places)
        if missing := [place for place in places if place not in told]:
            raise StoreUnavailable("kafka", f"it does not tell yet what was committed of {missing[0]}")
        return {place: told[place].offset for place in places}


def _places(topic: str, partitions: int) -> list[TopicPartition]:
    return [TopicPartition(topic, number) for number in range(partitions)]


@asynccontextmanager
async def offsets(settings: Settings) -> AsyncIterator[Offsets]:
    """Connect to Kafka for the length of the block. Raises StoreUnavailable."""
    options = client_options(settings)
    admin, consumer = AIOKafkaAdminClient(**options), AIOKafkaConsumer(**options)
    try:
        with translated():
            await admin.start()
            await consumer.start()
        yield Offsets(admin, consumer)
    finally:
        await consumer.stop()
        await admin.close()
