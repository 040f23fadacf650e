"""A changelog as long as one likes: what a worker reads back that has lost its tables."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from aiokafka import AIOKafkaProducer

from benchmarks.crowd import Crowd
from microblog_streams.config.settings import Settings
from microblog_streams.domain.topics import changelog_name
from microblog_streams.kafka.clients import client_options
from microblog_streams.ports import Row
from tables.followers import encode_key, encode_row

#: Records whose confirmations are waited for together.
_BATCH: Final = 10_000


async def log(settings: Settings, crowd: Crowd, partition: int) -> None:
    """Write a row of each follower into the changelog, as a worker does that applies their follows."""
    producer = AIOKafkaProducer(linger_ms=20, max_batch_size=2**18, **client_options(settings))
    try:
        await producer.start()
        name, row = changelog_name(1), encode_row(Row(1, True, datetime.now(UTC)))
        for people in _batches(crowd):
            sent = [await producer.send(name, row, encode_key(crowd.author, one), partition) for one in people]
            for confirmation in sent:
                await confirmation
    finally:
        await producer.stop()


def _batches(crowd: Crowd) -> Iterator[range]:
    for first in range(0, crowd.count, _BATCH):
        yield crowd.people[first : first + _BATCH]
