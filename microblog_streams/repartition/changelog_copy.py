"""Fills the changelog of a generation's followers table from PostgreSQL, so that its first workers recover from it.

A row goes into the partition of its author, as its events do. The edges are read in pages, each as it is at that
moment: a change that comes later comes as an event, too, and a higher version wins whichever is read first.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from microblog_streams.delivery.faust_patches.router import partition_of
from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.domain.ids import encode_user
from microblog_streams.domain.topics import changelog_name
from microblog_streams.operations.deletions import tombstone
from microblog_streams.operations.fan_out import TOMBSTONE
from microblog_streams.ports import Row
from microblog_streams.stores.postgres.follows import Follows
from microblog_streams.stores.postgres.users import Users
from tables.codec import encode_key, encode_row

#: Rows of one page: what is in flight at a time.
PAGE: Final = 2_000

#: A row with its author and follower.
Placed = tuple[int, int, Row]


@dataclass(frozen=True)
class TableCopy:
    """The copy for one generation with its number of partitions; ``options`` are those of aiokafka's clients."""

    follows: Follows
    users: Users
    generation: int
    partitions: int

    async def run(self, options: Mapping[str, Any], report: Callable[[int], Awaitable[object]]) -> int:
        """Write all rows, confirmed; ``report`` is told after each page how many were. Raises StoreUnavailable."""
        producer = AIOKafkaProducer(**options, acks="all", linger_ms=5, max_batch_size=128 * 1024)
        try:
            await producer.start()
            return await self.write(producer, report)
        except (KafkaError, OSError) as exc:
            raise StoreUnavailable("kafka", f"the table's copy broke off: {exc!r}") from exc
        finally:
            await producer.stop()

    async def write(self, producer: AIOKafkaProducer, report: Callable[[int], Awaitable[object]]) -> int:
        """Write all rows by a producer that is started; one page is confirmed before the next is read."""
        written = 0
        async for page in self._pages():
            await self._write(producer, page)
            written += len(page)
            await report(written)
        return written

    async def _pages(self) -> AsyncIterator[Sequence[Placed]]:
        edge = (0, 0)
        while edges := await self.follows.edges_page(edge, PAGE):
            yield [(e.followee, e.follower, Row(e.version, e.following, e.changed_at)) for e in edges]
            edge = (edges[-1].followee, edges[-1].follower)
        user = 0
        while deleted := await self.users.deleted_page(user, PAGE):
            yield [(author, TOMBSTONE, tombstone(at)) for author, at in deleted]
            user = deleted[-1][0]

    async def _write(self, producer: AIOKafkaProducer, page: Sequence[Placed]) -> None:
        topic = changelog_name(self.generation)
        sent = []
        for author, follower, row in page:
            place = partition_of(encode_user(author), self.partitions)
            sent.append(await producer.send(topic, encode_row(row), key=encode_key(author, follower), partition=place))
        for confirmation in sent:
            await confirmation
