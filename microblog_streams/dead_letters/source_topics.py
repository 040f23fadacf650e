"""Publishes records on source topics again, as they were: with the brokers' confirmation, by their keys."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from microblog_streams.config.settings import Settings
from microblog_streams.dead_letters.record import Headers
from microblog_streams.domain.errors import Conflict, StoreUnavailable
from microblog_streams.domain.topics import MAX_RECORD_BYTES
from microblog_streams.kafka.clients import client_options

#: ms until a record that was not confirmed is given up.
_REQUEST: Final = 15_000


@dataclass(frozen=True)
class SourceLog:
    """The ``SourceLog`` of a deployment, connected for as long as ``source_log`` lasts."""

    producer: AIOKafkaProducer

    async def publish(self, topic: str, key: bytes, value: bytes, headers: Headers) -> None:
        """Publish a record; return once it is confirmed. Raises Conflict, StoreUnavailable: it may be there, or not."""
        try:
            await self.producer.send_and_wait(topic, value=value, key=key, headers=list(headers))
        except MessageSizeTooLargeError:
            raise Conflict(
                f"{topic} does not take a record of this size; "
                "where grow-partitions has just closed it, another try finds the new one"
            ) from None
        except (KafkaError, OSError) as exc:
            raise StoreUnavailable("kafka", f"did not confirm a record of {topic}: {exc!r}") from exc


@asynccontextmanager
async def source_log(settings: Settings) -> AsyncIterator[SourceLog]:
    """Connect to Kafka for the length of the block. Raises StoreUnavailable."""
    producer = AIOKafkaProducer(
        **client_options(settings), acks="all", max_request_size=MAX_RECORD_BYTES, request_timeout_ms=_REQUEST
    )
    try:
        await producer.start()
        yield SourceLog(producer)
    except (KafkaError, OSError) as exc:
        raise StoreUnavailable("kafka", repr(exc)) from exc
    finally:
        await producer.stop()
