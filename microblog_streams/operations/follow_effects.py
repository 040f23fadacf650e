"""Applies follows and unfollows: writes the row of the follower table, then backfills or purges the timeline.

Events of user.follow and user.unfollow are not ordered among each other, so the edge version decides. Rows are written
in the stream's own loop, in the order of the events. Effects on timelines run concurrently, under a lock per edge, and
only if the row still has their version. An equal version repeats row and effect: a worker may have died between the
two, or before the row was in the changelog.
"""

import asyncio
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from microblog_streams.domain.errors import NotMine
from microblog_streams.domain.events import EdgeChanged
from microblog_streams.domain.ids import encode_entry
from microblog_streams.operations.fan_out import TOMBSTONE, Running
from microblog_streams.operations.lost_commits import LostCommits
from microblog_streams.ports import Followers, PostStore, Row, TimelineStore
from microblog_streams.ports.event_log import Lease


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
