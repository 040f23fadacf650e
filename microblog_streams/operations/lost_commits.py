"""What PostgreSQL has lost, seen from what the log and the workers' tables still know; see ``stores.postgres.era``.

PostgreSQL is the truth: an edge that it does not know any more is ended, one that it knows otherwise is told again as
it is there, under a version above the lost one. The deletion of a person is the exception: it is done again, because
their posts are flagged already. What nobody was told of is simply as if it had never been answered.

Two ways lead here. A new era has the rows of every partition compared once. And an event of an earlier era that comes
after that is looked up before it is acknowledged.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from microblog_streams.domain.events import EdgeChanged, UserDeleted
from microblog_streams.domain.models import ERA_BITS, Edge, Era
from microblog_streams.operations.fan_out import TOMBSTONE
from microblog_streams.ports import Followers, FollowStore, UserStore

#: Rows that are compared in one query: some 2 ms of the event loop.
PAGE: Final = 500
#: Seconds that the clock of whoever deleted somebody may be ahead of PostgreSQL's.
SKEW_SECONDS: Final = 60.0


@dataclass(frozen=True)
class LostCommits:
    """Finds and corrects them. ``era`` is PostgreSQL's, as this process knows it."""

    followers: Followers
    follows: FollowStore
    users: UserStore
    era: Callable[[], Era]

    async def edge(self, event: EdgeChanged) -> None:
        """Look an edge event of an earlier era up. Raises StoreUnavailable."""
        if event.version >> ERA_BITS < self.era().number:
            claim = Edge(event.follower_id, event.followee_id, event.following, event.version, event.at)
            await self.follows.correct([claim])

    async def deletion(self, event: UserDeleted) -> None:
        """Look the deletion of a person in an earlier era up. Raises StoreUnavailable."""
        if event.at.timestamp() < self.era().began + SKEW_SECONDS:
            await self.users.delete_again(event.user_id, event.at)

    async def partition(self, partition: int) -> tuple[int, int]:
        """Compare all rows of a partition; return how many there are, and how many PostgreSQL had lost.

        Raises StoreUnavailable, NotMine.
        """
        rows, lost, last = 0, 0, (0, 0)
        while page := self.followers.page(partition, last, PAGE):
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
