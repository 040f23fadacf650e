"""Who follows and who blocks whom: in PostgreSQL, and as rows of the followers table."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from microblog_streams.domain.models import Edge, IdempotencyKey, User


class FollowStore(Protocol):
    """Who follows whom, in PostgreSQL: the truth that every follower table and timeline is derived from."""

    async def set(
        self,
        follower: int,
        followee: int,
        following: bool,
        at: datetime,
        once: IdempotencyKey | None = None,
        most: int = 0,
    ) -> Edge:
        """Follow or unfollow, in one transaction with its event; no change and no event where it is so already.

        Nobody comes to follow more than ``most`` people (0: any number), deleted ones not counted, however many follows
        come at once. Raises TooManyFollowees; edges that are there stay, whatever their number.
        Takes FOR SHARE on both users when following; raises NotFound for one that is not there, Blocked where either
        has blocked the other.
        Unfollowing somebody never followed leaves no row and answers an edge of version 0.
        A key of the follower that came before changes nothing, whatever the edge is by now. Raises KeyReused.
        """
        ...

    async def republish(self, edges: Collection[tuple[int, int]]) -> int:
        """Publish the last event of each edge (follower, followee) again; return how many there are.

        An edge that nobody ever made has none.
        """
        ...

    async def correct(self, claims: Sequence[Edge]) -> int:
        """Have PostgreSQL's word be the last on edges of which the claims know a version that it has lost.

        Each gets a higher one, with its event, and is as it is there: ended where it is not. Return how many there are.
        """
        ...

    async def restate(self, after: tuple[int, int], limit: int) -> Sequence[Edge]:
        """Publish the last events of a page of ``edges_page`` again, as ones without effects; return the edges."""
        ...

    async def followees(self, follower: int) -> Sequence[int]:
        """Return everyone whom ``follower`` follows, by id (deleted users left out)."""
        ...

    async def followees_page(self, follower: int, after: int, limit: int) -> Sequence[User]:
        """Return up to ``limit`` followees with id > ``after``, by id."""
        ...

    async def followers_page(self, followee: int, after: int, limit: int) -> Sequence[User]:
        """Return up to ``limit`` followers with id > ``after``, by id."""
        ...

    async def edges_page(self, after: tuple[int, int], limit: int) -> Sequence[Edge]:
        """Return up to ``limit`` edges, also unfollowed ones, with (followee, follower) > ``after``, in that order."""
        ...


class BlockStore(Protocol):
    """Who has blocked whom, in PostgreSQL. Between two of whom one has blocked the other nobody follows."""

    async def block(self, blocker: int, blocked: int, at: datetime, once: IdempotencyKey | None = None) -> None:
        """Block, in one transaction with the end of the edges both ways and their events; idempotent.

        A follow at the same moment is ended by it, or refused. Raises NotFound for a user that is not there.
        A key of the blocker that came before changes nothing, whatever was unblocked since. Raises KeyReused.
        """
        ...

    async def unblock(self, blocker: int, blocked: int) -> None:
        """Take a block back; edges stay as they are. Nothing happens where there is none."""
        ...

    async def blocked_page(self, blocker: int, after: int, limit: int) -> Sequence[User]:
        """Return up to ``limit`` of those whom ``blocker`` has blocked with id > ``after``, by id."""
        ...


@dataclass(frozen=True, slots=True)
class Row:
    """What the followers table says of one edge."""

    version: int
    following: bool
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class FollowerSlice:
    """Followers in order of their ids; ``last`` is where the next slice goes on, None at the end."""

    followers: Sequence[int]
    last: int | None


@dataclass(frozen=True, slots=True)
class RowSlice:
    """Rows with their followers, in order of their ids; ``last`` is where the next slice goes on, None at the end."""

    rows: Sequence[tuple[int, Row]]
    last: int | None


class Followers(Protocol):
    """The followers table (``tables/``), as operations see it. ``partition`` is the event's own.

    Raises NotMine where the partition's rows are not in this worker: never to be read as "no followers".
    """

    def row(self, partition: int, author: int, follower: int) -> Row | None:
        """Return an edge's row. ``follower`` 0 is the author's own tombstone."""
        ...

    def write(self, author: int, follower: int, row: Row) -> None:
        """Write an edge's row, in the current event's partition; ``deliver`` sees to its confirmation."""
        ...

    def slice(self, partition: int, author: int, after: int, limit: int) -> FollowerSlice:
        """Look at up to ``limit`` rows with follower > ``after``; return those that follow."""
        ...

    def scan(self, partition: int, author: int, after: int, limit: int) -> RowSlice:
        """Return up to ``limit`` rows with follower > ``after``, also of those that do not follow any more."""
        ...

    def page(self, partition: int, after: tuple[int, int], limit: int) -> Sequence[tuple[int, int, Row]]:
        """Return up to ``limit`` rows of a partition with (author, follower) > ``after``, in that order.

        The rows of follower 0 are the tombstones of authors.
        """
        ...
