"""What comes of a deleted post or user: the flag in the post store, the author's tombstone, the marks in the caches.

Timelines are left alone: what is deleted drops out when a page is read.

A deleted user's posts are gone through once, from the newest on. Whoever repeats it after a crash begins at the top and
reads past those whose flag is in the index; as their texts were emptied before that, none is left behind.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from microblog_streams.domain.events import PostDeleted, UserDeleted
from microblog_streams.domain.models import Post
from microblog_streams.operations.fan_out import TOMBSTONE
from microblog_streams.operations.lost_commits import LostCommits
from microblog_streams.ports import Followers, PostCache, PostStore, Row, TimelineStore, UserCache
from microblog_streams.ports.event_log import Lease

#: Posts of a deleted user flagged between two looks at the lease: ten requests side by side, of the 96 that a worker
#: may have under way.
BATCH = 100


def tombstone(at: datetime) -> Row:
    """Return the row that says that an author was deleted; there is only ever one version of it."""
    return Row(1, False, at)


@dataclass(frozen=True)
class Deletions:
    """Applies deletion events."""

    followers: Followers
    posts: PostStore
    timelines: TimelineStore
    post_cache: PostCache
    user_cache: UserCache
    losses: LostCommits

    def record(self, event: PostDeleted | UserDeleted, lease: Lease) -> None:
        """Write a deleted user's tombstone, which fan-out and follows look at first. Raises NotMine."""
        if isinstance(event, UserDeleted):
            lease.check()
            self.followers.write(event.user_id, TOMBSTONE, tombstone(event.at))

    async def apply(self, event: PostDeleted | UserDeleted, lease: Lease) -> None:
        """Flag what was deleted, in the caches first. Raises NotMine, StoreUnavailable."""
        if isinstance(event, UserDeleted):
            await self.losses.deletion(event)
            await self._user(event.user_id, lease)
        else:
            await self._post(event.post_id, event.user_id)

    async def _post(self, post_id: UUID, author: int) -> None:
        await self.post_cache.delete(post_id, author)
        await self.posts.delete(post_id, author)

    async def _user(self, user: int, lease: Lease) -> None:
        await self.user_cache.delete(user)
        await self.timelines.remove(user)
        last: UUID | None = None
        while ids := await self.posts.newest(user, last, BATCH):
            lease.check()
            await self.post_cache.fill([Post(post_id, user, "", deleted=True) for post_id in ids])
            await self.posts.delete_all(user, ids)
            last = ids[-1]
