"""Who follows and who blocks whom: the truth in PostgreSQL, and the followers table derived from it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from microblog_streams.domain.models import Edge, IdempotencyKey, User


class FollowStore(Protocol):
    """Edges in PostgreSQL: the truth from which every followers table and timeline is derived."""

    async def set(
        self,
        follower: int,
        followee: int,
        following: bool,
        at: datetime,
        idempotency_key: IdempotencyKey | None = None,
        max_followees: int = 0,
    ) -> Edge:
        """Follow or unfollow, in one transaction with the event; an edge that is so already gets no event.

        A follow locks both users FOR SHARE. Raises NotFound for a missing user, Blocked if either has blocked the
        other, TooManyFollowees if the follower would exceed ``max_followees`` (0: no limit; deleted followees do not
        count; concurrent follows do). Existing edges above the limit stay.
        Unfollowing an edge that never existed writes no row and returns version 0.
        A known key changes nothing and returns the edge as it is now. Raises KeyReused.
        """
        ...

    async def republish(self, edges: Collection[tuple[int, int]]) -> int:
        """Publish the last event of each edge (follower, followee) again; return how many of the edges exist."""
        ...

    async def correct(self, claims: Sequence[Edge]) -> int:
        """Overrule claims with versions that PostgreSQL has lost; return their number.

        Each such edge gets a higher version, with its event, in the state that PostgreSQL has; an edge without a row
        becomes an ended one.
        """
        ...

    async def republish_page(self, after: tuple[int, int], limit: int) -> Sequence[Edge]:
        """Publish the last events of a page of ``edges_page`` again, marked to change rows only; return the edges."""
        ...

    async def follows(self, follower: int, followee: int) -> bool:
        """Return whether there is an edge that has not ended."""
        ...

    async def followees(self, follower: int) -> Sequence[int]:
        """Return all undeleted followees, by id."""
        ...

    async def followees_page(self, follower: int, after: int, limit: int) -> Sequence[User]:
        """Return up to ``limit`` followees with id > ``after``, by id."""
        ...

    async def followers_page(self, followee: int, after: int, limit: int) -> Sequence[User]:
        """Return up to ``limit`` followers with id > ``after``, by id."""
        ...

    async def edges_page(self, after: tuple[int, int], limit: int) -> Sequence[Edge]:
        """Return up to ``limit`` edges, ended ones too, with (followee, follower) > ``after``, in that order."""
        ...


class BlockStore(Protocol):
    """Blocks, in PostgreSQL. There is no edge between two users of whom one has blocked the other."""

    async def block(
        self, blocker: int, blocked: int, at: datetime, idempotency_key: IdempotencyKey | None = None
    ) -> None:
        """Block, in one transaction with the end of the edges both ways and their events; idempotent.

        A concurrent follow is ended by the block or refused. A known key changes nothing.
        Raises NotFound for a missing user, KeyReused.
        """
        ...

    async def unblock(self, blocker: int, blocked: int) -> None:
        """Remove a block, if there is one; edges stay as they are."""
        ...

    async def blocks(self, blocker: int, blocked: int) -> bool:
        """Return whether there is a block."""
        ...

    async def between(self, user: int, others: Collection[int]) -> Collection[int]:
        """Return those of ``others`` whom the user has blocked, or who have blocked the user."""
        ...

    async def blocked_page(self, blocker: int, after: int, limit: int) -> Sequence[User]:
        """Return up to ``limit`` users blocked by ``blocker`` with id > ``after``, by id."""
        ...


@dataclass(frozen=True, slots=True)
class Row:
    """An edge in the followers table."""

    version: int
    following: bool
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class FollowerSlice:
    """Followers by id. ``last`` is the position for the next slice, None at the end."""

    followers: Sequence[int]
    last: int | None


@dataclass(frozen=True, slots=True)
class RowSlice:
    """Rows with their followers, by follower. ``last`` is the position for the next slice, None at the end."""

    rows: Sequence[tuple[int, Row]]
    last: int | None


class Followers(Protocol):
    """The followers table (``tables/``). ``partition`` is that of the event, or of the author's topic partition.

    Raises NotMine if this worker does not have the partition's rows; that never means "no followers".
    """

    def row(self, partition: int, author: int, follower: int) -> Row | None:
        """Return an edge's row. ``follower`` 0 is the author's own tombstone."""
        ...

    def write(self, author: int, follower: int, row: Row) -> None:
        """Write an edge's row in the partition of the current event; ``delivery`` waits for its confirmation."""
        ...

    def slice(self, partition: int, author: int, after: int, limit: int) -> FollowerSlice:
        """Read up to ``limit`` rows with follower > ``after``; return those that follow."""
        ...

    def scan(self, partition: int, author: int, after: int, limit: int) -> RowSlice:
        """Return up to ``limit`` rows with follower > ``after``, ended ones too."""
        ...

    def page(self, partition: int, after: tuple[int, int], limit: int) -> Sequence[tuple[int, int, Row]]:
        """Return up to ``limit`` rows of a partition with (author, follower) > ``after``, in that order.

        Rows with follower 0 are tombstones of authors.
        """
        ...
