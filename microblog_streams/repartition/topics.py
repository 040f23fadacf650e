"""The Kafka side of a repartition: creates topics, fills the new table's changelog from PostgreSQL, closes topics.

A row of the followers table goes to the partition of its author, as the author's events do. Edges are read in pages,
each page at its own moment. A later change is also published as an event, and the higher version wins whichever of the
two a worker reads first.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from microblog_streams.config.settings import Settings
from microblog_streams.delivery.faust_patches.router import partition_of
from microblog_streams.domain import topics
from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.domain.ids import encode_user
from microblog_streams.domain.topics import changelog_name
from microblog_streams.kafka.clients import client_options
from microblog_streams.kafka.topics import close_topics, create_topics
from microblog_streams.operations.deletions import tombstone
from microblog_streams.operations.fan_out import TOMBSTONE
from microblog_streams.ports import Row
from microblog_streams.stores.postgres.follows import Follows
from microblog_streams.stores.postgres.users import Users
from tables.followers import encode_key, encode_row

#: Rows of one page, hence of the records in flight.
PAGE_ROWS: Final = 2_000

#: A table row with its author and follower.
KeyedRow = tuple[int, int, Row]
#: Called after each page with the number of rows written so far.
RowCallback = Callable[[int], Awaitable[object]]


@dataclass(frozen=True)
class TopicSetTopics:
    """The topics of all topic sets. All methods raise StoreUnavailable."""

    settings: Settings
    follows: Follows
    users: Users

    async def create(self, topic_set: int, partitions: int) -> None:
        """Create a topic set's topics, unless they exist."""
        await create_topics(self.settings, topic_set, partitions)

    async def estimate(self) -> int:
        """Return about how many rows ``fill`` will write."""
        return await self.follows.estimate()

    async def fill(self, topic_set: int, partitions: int, on_page: RowCallback) -> int:
        """Write the changelog of a topic set's followers table; return the number of rows."""
        copy = ChangelogCopy(self.follows, self.users, topic_set, partitions)
        return await copy.run(client_options(self.settings), on_page)

    async def close(self, logical: Sequence[str], topic_set: int) -> None:
        """Have the brokers refuse records of topics of a topic set, for good."""
        names = [topics.topic_name(name, topic_set) for name in logical]
        await close_topics(client_options(self.settings), names)


@dataclass(frozen=True)
class ChangelogCopy:
    """Copies all edges and tombstones into the changelog of one topic set."""

    follows: Follows
    users: Users
    topic_set: int
    partitions: int

    async def run(self, options: Mapping[str, Any], on_page: RowCallback) -> int:
        """Write all rows with a producer of its own, made from aiokafka's ``options``. Raises StoreUnavailable."""
        producer = AIOKafkaProducer(**options, acks="all", linger_ms=5, max_batch_size=128 * 1024)
        try:
            await producer.start()
            return await self.write(producer, on_page)
        except (KafkaError, OSError) as exc:
            raise StoreUnavailable("kafka", f"the copy of the table failed: {exc!r}") from exc
        finally:
            await producer.stop()

    async def write(self, producer: AIOKafkaProducer, on_page: RowCallback) -> int:
        """Write all rows with a started producer; a page is confirmed before the next is read. Return their number."""
        written = 0
        async for page in self._pages():
            await self._write_page(producer, page)
            written += len(page)
            await on_page(written)
        return written

    async def _pages(self) -> AsyncIterator[Sequence[KeyedRow]]:
        edge = (0, 0)
        while edges := await self.follows.edges_page(edge, PAGE_ROWS):
            yield [(e.followee, e.follower, Row(e.version, e.following, e.changed_at)) for e in edges]
            edge = (edges[-1].followee, edges[-1].follower)
        user = 0
        while deleted := await self.users.deleted_page(user, PAGE_ROWS):
            yield [(author, TOMBSTONE, tombstone(at)) for author, at in deleted]
            user = deleted[-1][0]

    async def _write_page(self, producer: AIOKafkaProducer, page: Sequence[KeyedRow]) -> None:
        topic = changelog_name(self.topic_set)
        sent = []
        for author, follower, row in page:
            partition = partition_of(encode_user(author), self.partitions)
            key, value = encode_key(author, follower), encode_row(row)
            sent.append(await producer.send(topic, value, key=key, partition=partition))
        for confirmation in sent:
            await confirmation
