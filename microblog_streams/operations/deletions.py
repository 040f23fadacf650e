"""Applies deletions: the flag in Cassandra, the author's tombstone, the marks in the caches.

Timelines are not changed: deleted posts are dropped when a page is read. Those who follow a timeline live are told.

A deleted user's posts are flagged from the newest to the oldest, body before index. After a crash it begins again at
the newest and skips posts whose index row is flagged; their bodies are empty already.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from microblog_streams.domain.events import PostDeleted, UserDeleted
from microblog_streams.domain.ids import PUBLIC, entry_author, entry_post_id
from microblog_streams.domain.models import Post
from microblog_streams.operations.fan_out import SLICE_ROWS, TOMBSTONE
from microblog_streams.operations.lost_commits import LostCommits
from microblog_streams.ports import Change, Followers, LiveLog, PostCache, PostStore, Row, TimelineStore, UserCache
from microblog_streams.ports.events import Lease

#: Posts of a deleted user flagged between two checks of the lease: ten concurrent requests, of a worker's limit of 96.
BATCH_POSTS = 100


def tombstone(at: datetime) -> Row:
    """Return the tombstone row of a deleted author. It has only one version."""
    return Row(1, False, at)


@dataclass(frozen=True)
class Deletions:
    """Applies deletion events."""

    followers: Followers
    posts: PostStore
    timelines: TimelineStore
    post_cache: PostCache
    user_cache: UserCache
    lost_commits: LostCommits
    live: LiveLog

    def record(self, event: PostDeleted | UserDeleted, lease: Lease) -> None:
        """Write a deleted user's tombstone, which fan-out and follows check first. Raises NotMine."""
        if isinstance(event, UserDeleted):
            lease.check()
            self.followers.write(event.user_id, TOMBSTONE, tombstone(event.at))

    async def apply(self, event: PostDeleted | UserDeleted, lease: Lease) -> None:
        """Flag the post, or all posts of the user, in the cache first. Raises NotMine, StoreUnavailable."""
        if isinstance(event, UserDeleted):
            await self.lost_commits.deletion(event)
            await self._user(event.user_id, lease)
            await self._announce(event.user_id, lease, Change.RESET)
            await self._retract(event.user_id, lease)
        else:
            await self._post(event.post_id, event.user_id)
            await self._announce(event.user_id, lease, Change.DELETE, event.post_id.bytes)

    async def _post(self, post_id: UUID, author: int) -> None:
        await self.post_cache.delete(post_id, author)
        await self.posts.delete(post_id, author)

    async def _announce(self, author: int, lease: Lease, change: Change, value: bytes = b"") -> None:
        """Tell those who follow a timeline with the author's posts live. Raises NotMine."""
        if not await self.live.any():
            return
        await self.live.announce([author, PUBLIC] if change is Change.DELETE else [author], change, value)
        position: int | None = TOMBSTONE
        while position is not None:
            lease.check()
            rows = self.followers.slice(lease.partition, author, position, SLICE_ROWS)
            position = rows.last
            if rows.followers:
                await self.live.announce(rows.followers, change, value)

    async def _retract(self, user: int, lease: Lease) -> None:
        """Tell those who follow the public timeline which posts of a deleted user are gone. Raises NotMine.

        Not to read it again: anyone can register and be deleted, and then all of its readers would ask at once.
        """
        if not await self.live.any():
            return
        page = await self.timelines.older(PUBLIC, None, 2 * self.timelines.kept)
        for entry in page.entries:
            if entry_author(entry) == user:
                lease.check()
                await self.live.announce([PUBLIC], Change.DELETE, entry_post_id(entry).bytes)

    async def _user(self, user: int, lease: Lease) -> None:
        await self.user_cache.delete(user)
        await self.timelines.remove(user)
        last: UUID | None = None
        while ids := await self.posts.newest(user, last, BATCH_POSTS):
            lease.check()
            await self.post_cache.fill([Post(post_id, user, "", deleted=True) for post_id in ids])
            await self.posts.delete_all(user, ids)
            last = ids[-1]
