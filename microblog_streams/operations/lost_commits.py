"""Corrects what Kafka and the follower table still have of commits that PostgreSQL lost (``stores.postgres.era``).

PostgreSQL is the truth. An edge that it does not know is ended. An edge that it knows in another state is published
again, with a version above the lost one. Only the deletion of a user is repeated in PostgreSQL, because their posts are
flagged already.

In a new era every partition's rows are compared once. An event of an earlier era that arrives later is compared before
it is acknowledged.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from microblog_streams.domain.events import EdgeChanged, UserDeleted
from microblog_streams.domain.models import ERA_BITS, Edge, Era
from microblog_streams.operations.fan_out import TOMBSTONE
from microblog_streams.ports import Followers, FollowStore, UserStore

#: Rows compared in one query: some 2 ms of the event loop.
PAGE_ROWS: Final = 500
#: Seconds that a worker's clock may be ahead of PostgreSQL's.
MAX_SKEW_SECONDS: Final = 60.0


@dataclass(frozen=True)
class LostCommits:
    """Finds and corrects them. ``era``: returns PostgreSQL's era as this process knows it."""

    followers: Followers
    follows: FollowStore
    users: UserStore
    era: Callable[[], Era]

    async def edge(self, event: EdgeChanged) -> None:
        """Compare an edge event of an earlier era with PostgreSQL. Raises StoreUnavailable."""
        if event.version >> ERA_BITS < self.era().number:
            claim = Edge(event.follower_id, event.followee_id, event.following, event.version, event.at)
            await self.follows.correct([claim])

    async def deletion(self, event: UserDeleted) -> None:
        """Repeat the deletion of a user in an earlier era, if PostgreSQL lost it. Raises StoreUnavailable."""
        if event.at.timestamp() < self.era().began + MAX_SKEW_SECONDS:
            await self.users.delete_again(event.user_id, event.at)

    async def partition(self, partition: int) -> tuple[int, int]:
        """Compare all rows of a partition; return their number, and how many of them PostgreSQL had lost.

        Raises StoreUnavailable, NotMine.
        """
        rows, lost, last = 0, 0, (0, 0)
        while page := self.followers.page(partition, last, PAGE_ROWS):
            claims = [
                Edge(follower, author, row.following, row.version, row.changed_at)
                for author, follower, row in page
                if follower != TOMBSTONE
            ]
            lost += await self.follows.correct(claims)
            for author, follower, row in page:
                if follower == TOMBSTONE:
                    lost += await self.users.delete_again(author, row.changed_at)
            rows, last = rows + len(page), page[-1][:2]
        return rows, lost
