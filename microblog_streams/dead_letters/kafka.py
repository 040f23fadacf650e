"""Dead letters in Kafka: reads the topic ``dead.letters``, and publishes records on their source topics again.

Reading uses no consumer group: letters are looked up by offset, and none is acknowledged.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from microblog_streams.config.settings import Settings
from microblog_streams.domain.dead_letters import DeadLetter, Headers, parse_dead_letter
from microblog_streams.domain.errors import Conflict, StoreUnavailable
from microblog_streams.domain.topics import DEAD_LETTERS, MAX_RECORD_BYTES
from microblog_streams.kafka.clients import client_options, translated
from microblog_streams.kafka.topics import check_topics, partition_counts
from microblog_streams.ports import Bounds

#: Timeouts: of a request, of a fetch of records that exist, and of a record's confirmation.
_REQUEST_MS: Final = 5_000
_FETCH_MS: Final = 10_000
_CONFIRM_MS: Final = 15_000


@dataclass(frozen=True)
class KafkaDeadLetterReader:
    """The ``DeadLetterReader`` of a deployment."""

    consumer: AIOKafkaConsumer
    partitions: int

    async def bounds(self) -> Bounds:
        """Return the offsets of each partition. Raises StoreUnavailable."""
        tps = [TopicPartition(DEAD_LETTERS, partition) for partition in range(self.partitions)]
        # aiokafka has no timeout of its own for these two.
        with translated():
            async with asyncio.timeout(2 * _REQUEST_MS / 1000):
                firsts = await self.consumer.beginning_offsets(tps)
                ends = await self.consumer.end_offsets(tps)
        return {tp.partition: (firsts[tp], ends[tp]) for tp in tps}

    async def letters(self, partition: int, first: int, beyond: int) -> AsyncIterator[DeadLetter]:
        """Read a partition's letters; those that expired after ``bounds`` are skipped. Raises StoreUnavailable."""
        tp = TopicPartition(DEAD_LETTERS, partition)
        self.consumer.assign([tp])
        self.consumer.seek(tp, first)
        while first < beyond:
            for record in await self._fetch(tp):
                if record.offset < beyond:
                    yield _to_letter(record)
                first = record.offset + 1

    async def _fetch(self, tp: TopicPartition) -> list[Any]:
        with translated():
            records = await self.consumer.getmany(tp, timeout_ms=_FETCH_MS)
        if not records:
            raise StoreUnavailable("kafka", f"sends no record of {tp.topic} within {_FETCH_MS // 1000} s")
        return list(records[tp])


def _to_letter(record: Any) -> DeadLetter:  # noqa: ANN401 -- aiokafka has no types
    at = datetime.fromtimestamp(record.timestamp / 1000, UTC)
    return parse_dead_letter(record.partition, record.offset, at, record.key, record.value, record.headers)


@asynccontextmanager
async def dead_letter_reader(settings: Settings) -> AsyncIterator[KafkaDeadLetterReader]:
    """Connect a reader for the length of the block. Raises StoreUnavailable, SetupError."""
    options = client_options(settings)
    with translated():
        counts = await partition_counts(options, [DEAD_LETTERS])
    check_topics(counts, {DEAD_LETTERS: None})
    # "earliest": a fetch of an offset that has expired goes on at the first that is left.
    consumer = AIOKafkaConsumer(**options, auto_offset_reset="earliest", request_timeout_ms=_REQUEST_MS)
    try:
        with translated():
            await consumer.start()
        yield KafkaDeadLetterReader(consumer, counts[DEAD_LETTERS])
    finally:
        await consumer.stop()


@dataclass(frozen=True)
class KafkaSourceTopics:
    """The ``SourceTopics`` of a deployment. Records go to the partition of their key, as the agents' events do."""

    producer: AIOKafkaProducer

    async def publish(self, topic: str, key: bytes, value: bytes, headers: Headers) -> None:
        """Publish a record. Raises Conflict; StoreUnavailable, after which the record may be in the topic or not."""
        try:
            await self.producer.send_and_wait(topic, value=value, key=key, headers=list(headers))
        except MessageSizeTooLargeError:
            raise Conflict(
                f"{topic} does not take a record of this size; "
                "if grow-partitions has just closed the topic, another replay uses the new one"
            ) from None
        except (KafkaError, OSError) as exc:
            raise StoreUnavailable("kafka", f"did not confirm a record of {topic}: {exc!r}") from exc


@asynccontextmanager
async def source_topics(settings: Settings) -> AsyncIterator[KafkaSourceTopics]:
    """Connect a producer for the length of the block. Raises StoreUnavailable."""
    producer = AIOKafkaProducer(
        **client_options(settings), acks="all", max_request_size=MAX_RECORD_BYTES, request_timeout_ms=_CONFIRM_MS
    )
    try:
        await producer.start()
        yield KafkaSourceTopics(producer)
    except (KafkaError, OSError) as exc:
        raise StoreUnavailable("kafka", repr(exc)) from exc
    finally:
        await producer.stop()
