"""Reads the topic dead.letters, outside any consumer group: letters are looked at, not consumed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from microblog_streams.config.settings import Settings
from microblog_streams.dead_letters.record import DeadLetter, open_letter
from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.domain.topics import DEAD_LETTERS
from microblog_streams.kafka.clients import client_options, translated
from microblog_streams.ports import Bounds
from microblog_streams.services.broker_gate import check_topics, partition_counts

#: ms for a request, and for records that must be there to come.
_REQUEST, _RECORDS = 5_000, 10_000


@dataclass(frozen=True)
class DeadLetterReader:
    """The ``DeadLetterReader`` of a deployment, connected for as long as ``letter_box`` lasts."""

    consumer: AIOKafkaConsumer
    partitions: int

    async def bounds(self) -> Bounds:
        """Return which letters there are."""
        places = [TopicPartition(DEAD_LETTERS, number) for number in range(self.partitions)]
        # aiokafka itself asks a broker that hangs for as long as that takes.
        with translated():
            async with asyncio.timeout(2 * _REQUEST / 1000):
                firsts = await self.consumer.beginning_offsets(places)
                ends = await self.consumer.end_offsets(places)
        return {place.partition: (firsts[place], ends[place]) for place in places}

    async def letters(self, partition: int, first: int, beyond: int) -> AsyncIterator[DeadLetter]:
        """Read a partition's letters from ``first`` up to ``beyond``, exclusive."""
        place = TopicPartition(DEAD_LETTERS, partition)
        self.consumer.assign([place])
        self.consumer.seek(place, first)
        while first < beyond:
            for record in await self._next(place):
                if record.offset < beyond:
                    yield _opened(record)
                first = record.offset + 1

    async def _next(self, place: TopicPartition) -> list[Any]:
        with translated():
            found = await self.consumer.getmany(place, timeout_ms=_RECORDS)
        if not found:
            raise StoreUnavailable("kafka", f"sends no record of {place.topic} within {_RECORDS // 1000} s")
        return list(found[place])


def _opened(record: Any) -> DeadLetter:  # noqa: ANN401 -- aiokafka has no types
    at = datetime.fromtimestamp(record.timestamp / 1000, UTC)
    return open_letter(record.partition, record.offset, at, record.key, record.value, record.headers)


@asynccontextmanager
async def letter_box(settings: Settings) -> AsyncIterator[DeadLetterReader]:
    """Connect to Kafka for the length of the block. Raises StoreUnavailable, SetupError."""
    options = client_options(settings)
    with translated():
        counts = await partition_counts(options, [DEAD_LETTERS])
    check_topics(counts, {DEAD_LETTERS: None})
    # What has expired since the bounds were looked up is skipped.
    consumer = AIOKafkaConsumer(**options, auto_offset_reset="earliest", request_timeout_ms=_REQUEST)
    try:
        with translated():
            await consumer.start()
        yield DeadLetterReader(consumer, counts[DEAD_LETTERS])
    finally:
        await consumer.stop()
