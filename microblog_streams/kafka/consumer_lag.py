"""How far a consumer group is behind, read from Kafka itself, and waiting until it has caught up.

Workers acknowledge in offset order and only after an event's effect, so a committed offset says that everything before
it is applied.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Final, Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from microblog_streams.config.settings import Settings
from microblog_streams.domain.deployment import Deployment, Phase
from microblog_streams.domain.errors import Conflict, StoreUnavailable
from microblog_streams.domain.topics import SOURCES, app_id, topic_name
from microblog_streams.kafka.clients import client_options, translated
from microblog_streams.ports import Outbox

#: Seconds before a wait begins: best-effort steps of requests (an author's own timeline) are no events.
START_DELAY_SECONDS: Final = 2.0
#: Seconds between two checks.
POLL_SECONDS: Final = 0.2
#: Seconds after which a wait fails: a partition may have halted.
TIMEOUT_SECONDS: Final = 60.0

#: End offsets.
Ends = Mapping[TopicPartition, int]
#: Records that are not acknowledged yet, by topic (its name in Kafka) and partition.
Lags = Mapping[tuple[str, int], int]


@dataclass(frozen=True)
class Offsets:
    """Reads committed and end offsets; open within ``offsets``."""

    admin: AIOKafkaAdminClient
    consumer: AIOKafkaConsumer

    async def total_lag(self, group: str, topics: Sequence[str], partitions: int) -> int:
        """Return the number of records that a group has not acknowledged. Raises StoreUnavailable."""
        return sum(there - done for done, there in [await self.progress(group, name, partitions) for name in topics])

    async def progress(self, group: str, topic: str, partitions: int) -> tuple[int, int]:
        """Return how many records of a topic a group has acknowledged, and how many there are.

        Expired records count as acknowledged. Raises StoreUnavailable.
        """
        places = _places(topic, partitions)
        with translated():
            firsts = await self.consumer.beginning_offsets(places)
            ends = await self.consumer.end_offsets(places)
        committed = await self._committed(group, places)
        done = [min(ends[place], max(firsts[place], committed[place])) for place in places]
        return sum(done), sum(ends.values())

    async def lags(self, group: str, topics: Sequence[str], partitions: int) -> Lags:
        """Return the lag of a group on each partition. Raises StoreUnavailable."""
        places = [place for name in topics for place in _places(name, partitions)]
        with translated():
            firsts = await self.consumer.beginning_offsets(places)
            ends = await self.consumer.end_offsets(places)
        committed = await self._committed(group, places)
        done = {place: min(ends[place], max(firsts[place], committed[place])) for place in places}
        return {(place.topic, place.partition): ends[place] - done[place] for place in places}

    async def end_offsets(self, topics: Sequence[str], partitions: int) -> Ends:
        """Return the present end offsets of topics. Raises StoreUnavailable."""
        places = [place for name in topics for place in _places(name, partitions)]
        with translated():
            return dict(await self.consumer.end_offsets(places))

    async def has_committed(self, group: str, ends: Ends) -> bool:
        """Return whether a group has committed up to these end offsets. Raises StoreUnavailable."""
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

        A broker that has just started may not know the group yet: aiokafka then returns no partition.
        """
        with translated():
            told = await self.admin.list_consumer_group_offsets(group, partitions=places)
        if missing := [place for place in places if place not in told]:
            raise StoreUnavailable("kafka", f"it has no committed offset yet for {missing[0]}")
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


class CommittedOffsets(Protocol):
    """The part of ``Offsets`` that a wait needs."""

    async def end_offsets(self, topics: list[str], partitions: int) -> Ends:
        """Return the present end offsets of topics."""
        ...

    async def has_committed(self, group: str, ends: Ends) -> bool:
        """Return whether a group has committed up to these end offsets."""
        ...


@dataclass(frozen=True)
class CaughtUp:
    """Waits until every change that was answered before the wait is applied: relayed, delivered, acknowledged.

    The outbox must have published what it had, and then the group must commit up to the end offsets of that moment.
    Later events are not waited for, or the wait would never end. ``connect`` opens a connection to Kafka; ``compared``
    says whether the followers tables were compared with PostgreSQL after it lost commits (``services.audits``).
    """

    outbox: Outbox
    deployment: Callable[[], Awaitable[Deployment]]
    connect: Callable[[], AbstractAsyncContextManager[CommittedOffsets]]
    compared: Callable[[Deployment], Awaitable[bool]]

    async def wait_until_caught_up(self) -> None:
        """Wait; START_DELAY_SECONDS at least. Raises StoreUnavailable, also after TIMEOUT_SECONDS, and Conflict."""
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                await asyncio.sleep(START_DELAY_SECONDS)
                await self.wait()
        except TimeoutError:
            reason = f"some events were not brought about within {TIMEOUT_SECONDS:g} s: see /health of the workers"
            raise StoreUnavailable("kafka", reason) from None

    async def wait(self) -> None:
        """Wait for as long as it takes. Raises StoreUnavailable; Conflict during a repartition."""
        deployment = await self.check()
        await _until(lambda: self.compared(deployment))
        await self._relayed()
        async with self.connect() as kafka:
            names = [topic_name(logical, deployment.generation) for logical in SOURCES]
            ends = await kafka.end_offsets(names, deployment.partitions)
            await _until(lambda: kafka.has_committed(app_id(deployment.generation), ends))

    async def check(self) -> Deployment:
        """Raise Conflict during a repartition: two topic sets have events in flight then."""
        deployment = await self.deployment()
        if deployment.phase is not Phase.SETTLED:
            raise Conflict("grow-partitions is under way: try again when it has ended")
        return deployment

    async def _relayed(self) -> None:
        newest = await self.outbox.newest()

        async def published() -> bool:
            oldest = await self.outbox.oldest()
            return oldest is None or oldest > newest

        await _until(published)


async def _until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Poll a condition until it is true."""
    while True:
        if await condition():
            return
        await asyncio.sleep(POLL_SECONDS)
