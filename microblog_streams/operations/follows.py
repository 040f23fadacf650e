"""Follows, unfollows and blocks: the request, the effect of its event, and the row that both leave.

A request changes a row in PostgreSQL, with the event in the outbox. A block ends the edges between two users and
refuses new ones. It hides nothing: posts are public.

``FollowEffects`` applies the events: it writes the row of the followers table, then backfills or purges the timeline.
Events of user.follow and user.unfollow are not ordered among each other, so the edge version decides. Rows are written
in the stream's own loop, in the order of the events. Effects on timelines run concurrently, under a lock per edge, and
only if the row still has their version. An equal version repeats row and effect: a worker may have died between the
two, or before the row was in the changelog.

``FollowerRows`` looks up rows of the followers table, for operators who ask why a post reached a user, or did not.
Fan-out uses these rows. PostgreSQL is the truth, and may be ahead by the events in flight.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from weakref import WeakValueDictionary

from microblog_streams.domain.errors import Invalid, NotFound, NotMine, WorkerUnavailable
from microblog_streams.domain.events import EdgeChanged
from microblog_streams.domain.ids import encode_entry
from microblog_streams.domain.models import IdempotencyKey, User
from microblog_streams.operations.fan_out import TOMBSTONE, Running
from microblog_streams.operations.lost_commits import LostCommits
from microblog_streams.operations.pages import Page
from microblog_streams.operations.users import Users, people_page
from microblog_streams.ports import BlockStore, Followers, FollowStore, PostStore, Row, RowSlice, TimelineStore
from microblog_streams.ports.events import Lease


@dataclass(frozen=True)
class Follows:
    """Use cases of follows."""

    store: FollowStore
    users: Users
    #: Users that one user may follow; 0: any number.
    max_followees: int = 0

    async def follow(self, follower: int, followee: int, once: IdempotencyKey | None = None) -> None:
        """Follow; does nothing where the edge exists.

        Raises Invalid (the same user twice), NotFound, Blocked, TooManyFollowees, KeyReused. A repeated call with the
        same key does nothing, also where the follower has unfollowed since.
        """
        if follower == followee:
            raise Invalid("followeeId", "a user cannot follow themselves")
        await self.store.set(follower, followee, True, datetime.now(UTC), once, self.max_followees)

    async def unfollow(self, follower: int, followee: int) -> None:
        """Unfollow; does nothing where there is no edge. Raises NotFound."""
        await self.users.require(follower, followee)
        await self.store.set(follower, followee, False, datetime.now(UTC))

    async def follows(self, follower: int, followee: int) -> bool:
        """Return whether one user follows the other. Raises NotFound."""
        await self.users.require(follower, followee)
        return await self.store.follows(follower, followee)

    async def followers(self, user: int, after: int, limit: int) -> Page[User, int]:
        """Return a user's followers, by id. Raises NotFound."""
        await self.users.require(user)
        return people_page(await self.store.followers_page(user, after, limit + 1), limit)

    async def followees(self, user: int, after: int, limit: int) -> Page[User, int]:
        """Return a user's followees, by id. Raises NotFound."""
        await self.users.require(user)
        return people_page(await self.store.followees_page(user, after, limit + 1), limit)


@dataclass(frozen=True)
class Blocks:
    """Use cases of blocks."""

    store: BlockStore
    users: Users

    async def block(self, blocker: int, blocked: int, once: IdempotencyKey | None = None) -> None:
        """Block; does nothing where the block exists. Raises Invalid (the same user twice), NotFound, KeyReused.

        A repeated call with the same key does nothing, also where the blocker has unblocked since.
        """
        if blocker == blocked:
            raise Invalid("blockedId", "a user cannot block themselves")
        await self.store.block(blocker, blocked, datetime.now(UTC), once)

    async def unblock(self, blocker: int, blocked: int) -> None:
        """Remove a block; does nothing where there is none, and restores no edge. Raises NotFound."""
        await self.users.require(blocker, blocked)
        await self.store.unblock(blocker, blocked)

    async def blocks(self, blocker: int, blocked: int) -> bool:
        """Return whether one user blocks the other. Raises NotFound."""
        await self.users.require(blocker, blocked)
        return await self.store.blocks(blocker, blocked)

    async def blocked(self, user: int, after: int, limit: int) -> Page[User, int]:
        """Return the users that a user has blocked, by id. Raises NotFound."""
        await self.users.require(user)
        return people_page(await self.store.blocked_page(user, after, limit + 1), limit)


@dataclass(frozen=True)
class FollowEffects:
    """Applies edge events."""

    followers: Followers
    posts: PostStore
    timelines: TimelineStore
    running: Running
    lost_commits: LostCommits
    locks: WeakValueDictionary[tuple[int, int], asyncio.Lock] = field(default_factory=WeakValueDictionary)

    def record(self, event: EdgeChanged, lease: Lease) -> None:
        """Write the row, unless the stored version is higher. Runs in the stream's loop. Raises NotMine."""
        lease.check()
        row = self.followers.row(lease.partition, event.followee_id, event.follower_id)
        if row is None or event.version >= row.version:
            new = Row(event.version, event.following, event.at)
            self.followers.write(event.followee_id, event.follower_id, new)

    async def apply(self, event: EdgeChanged, lease: Lease) -> None:
        """Backfill or purge the follower's timeline, if the event is still the newest of its edge. Raises NotMine."""
        if event.restate:
            return
        await self.lost_commits.edge(event)
        async with self._lock(event):
            if self._is_newest(event, lease):
                await (self._backfill if event.following else self._purge)(event, lease)

    def _is_newest(self, event: EdgeChanged, lease: Lease) -> bool:
        lease.check()
        row = self.followers.row(lease.partition, event.followee_id, event.follower_id)
        gone = self.followers.row(lease.partition, event.followee_id, TOMBSTONE) is not None
        return row is not None and row.version == event.version and not (gone and event.following)

    async def _backfill(self, event: EdgeChanged, lease: Lease) -> None:
        follower, author = event.follower_id, event.followee_id
        if not (await self.timelines.warm([follower]))[0]:
            return
        ids = await self.posts.newest(author, None, self.timelines.kept)
        lease.check()
        entries = [encode_entry(post_id, author) for post_id in ids]
        if not await self.timelines.merge(follower, entries, lease.deadline):
            raise NotMine("the lease lapsed before the backfill")

    async def _purge(self, event: EdgeChanged, lease: Lease) -> None:
        await self.running.wait(event.followee_id)
        lease.check()
        if not await self.timelines.purge(event.follower_id, event.followee_id, lease.deadline):
            raise NotMine("the lease lapsed before the purge")

    def _lock(self, event: EdgeChanged) -> asyncio.Lock:
        return self.locks.setdefault((event.follower_id, event.followee_id), asyncio.Lock())


@dataclass(frozen=True, slots=True)
class FollowerRows:
    """The rows in this worker. ``partition_of``: returns an author's partition. ``worker``: its name.

    All methods raise WorkerUnavailable where this worker does not have the partition.
    """

    followers: Followers
    partition_of: Callable[[int], int]
    worker: str

    def edge(self, author: int, follower: int) -> Row:
        """Return one row. Raises NotFound."""
        row = self._row(author, follower)
        if row is None:
            raise NotFound("edge", f"{author}:{follower}")
        return row

    def page(self, author: int, after: int, limit: int) -> RowSlice:
        """Return the rows of an author's followers, by id, also of former followers."""
        with _translated():
            return self.followers.scan(self.partition_of(author), author, after, limit)

    def deleted(self, author: int) -> bool:
        """Return whether the author has a tombstone."""
        return self._row(author, TOMBSTONE) is not None

    def _row(self, author: int, follower: int) -> Row | None:
        with _translated():
            return self.followers.row(self.partition_of(author), author, follower)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except NotMine as exc:
        raise WorkerUnavailable(f"The rows were just assigned to another worker ({exc}). Try again.") from None
