"""What a move of the partitions does to topics, in one place: makes them, fills the table's changelog, closes them."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from microblog_streams.config.settings import Settings
from microblog_streams.domain import topics
from microblog_streams.kafka.clients import client_options
from microblog_streams.kafka.close_topics import close_topics
from microblog_streams.kafka.create_topics import create_topics
from microblog_streams.repartition.changelog_copy import TableCopy
from microblog_streams.stores.postgres.follows import Follows
from microblog_streams.stores.postgres.users import Users


@dataclass(frozen=True)
class GrowingTopics:
    """The topics of all generations. All methods raise StoreUnavailable."""

    settings: Settings
    follows: Follows
    users: Users

    async def create(self, generation: int, partitions: int) -> None:
        """Make a generation's topics."""
        await create_topics(self.settings, generation, partitions)

    async def estimate(self) -> int:
        """Return about how many rows ``fill`` will write."""
        return await self.follows.estimate()

    async def fill(self, generation: int, partitions: int, report: Callable[[int], Awaitable[object]]) -> int:
        """Write a generation's followers table; return how many rows it has."""
        copy = TableCopy(self.follows, self.users, generation, partitions)
        return await copy.run(client_options(self.settings), report)

    async def close(self, logical: Sequence[str], generation: int) -> None:
        """Close topics of a generation for good."""
        names = [topics.topic_name(name, generation) for name in logical]
        await close_topics(client_options(self.settings), names)
