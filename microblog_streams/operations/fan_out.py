"""Fan-out on write: one post into the timeline of everyone who follows its author, and of the author.

The followers come from the table in slices, and the lease is checked before each: a worker that lost the partition
in between stops, and the partition's next owner does all of it again. Pushing twice is harmless.
"""

import contextlib
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from microblog_streams.aio.best_effort import attempt
from microblog_streams.aio.tasks import BoundedPipeline, InFlight
from microblog_streams.domain.events import PostCreated
from microblog_streams.domain.ids import encode_entry, post_millis, post_time
from microblog_streams.domain.models import Post
from microblog_streams.ports import Followers, PostCache, PostStore, TimelineStore
from microblog_streams.ports.event_log import Lease

#: Rows of the followers table looked at in one go, and pushed to in one call: some 0.3 ms of the event loop and 1 ms of
#: Redis, for which whatever else there is to do waits at each of its steps. With 500 a post to a million took no less
#: time, and an ordinary post beside it 20 ms more at p50, where it is 14 (docs/results.md).
SLICE = 350

#: Slices of one fan-out that are being pushed at a time: while the server works at one, the next is looked at.
AHEAD = 2

#: Slices of a post that go before those of younger posts; the others wait their turn, or a few posts to a million would
#: hold up all else. Those who have no more followers than that have their posts in order on every timeline.
IN_ORDER = 10

#: Seconds for which a post that its writer has stored is not stored once more.
FRESH = 60.0

#: For so long after an author's deletion posts of theirs may still have been taken: their token was believed for 30
#: seconds, and the clocks of workers differ.
LAST_WORDS = timedelta(seconds=60)

#: The follower under which an author's own tombstone stands; no user has this id.
TOMBSTONE = 0


@dataclass
class Running:
    """The fan-outs that are under way, by author: an unfollow waits for those that began before it."""

    authors: dict[int, InFlight] = field(default_factory=lambda: defaultdict(InFlight))

    @contextlib.contextmanager
    def running(self, author: int) -> Iterator[None]:
        """Count as under way inside the block."""
        try:
            with self.authors[author].call():
                yield
        finally:
            if not self.authors[author]:
                del self.authors[author]

    async def wait(self, author: int) -> None:
        """Return when all that are under way now have ended."""
        if author in self.authors:
            await self.authors[author].wait_ended()


@dataclass(frozen=True)
class FanOut:
    """Delivers posts to timelines."""

    followers: Followers
    posts: PostStore
    cache: PostCache
    timelines: TimelineStore
    running: Running

    async def deliver(self, event: PostCreated, lease: Lease) -> None:
        """Store the post, then push it everywhere; empty a deleted author's. Raises NotMine, StoreUnavailable."""
        author = event.user_id
        if not await self._stored(event.post_id):
            await self.posts.put(Post(event.post_id, author, event.content))
        with self.running.running(author):
            tombstone = self.followers.row(lease.partition, author, TOMBSTONE)
            if tombstone is None:
                await self._push(author, encode_entry(event.post_id, author), lease)
        # The deletion of the author's posts may have gone past this one before it was written. What is much younger is
        # by somebody else, who was given the id after PostgreSQL had lost the first one.
        if tombstone is not None and post_time(event.post_id) - tombstone.changed_at < LAST_WORDS:
            await self.cache.delete(event.post_id, author)
            await self.posts.delete(event.post_id, author)

    async def _stored(self, post_id: UUID) -> bool:
        """Tell whether whoever took the post has stored it. An old event may be read again because a store was lost."""
        young = time.time() - post_millis(post_id) / 1000 < FRESH
        return young and await attempt("stored", self.cache.stored(post_id), False)

    async def _push(self, author: int, entry: bytes, lease: Lease) -> None:
        receivers: list[int] = [author]
        position: int | None = TOMBSTONE
        async with BoundedPipeline(AHEAD) as pushes:
            while position is not None:
                lease.check()
                rows = self.followers.slice(lease.partition, author, position, SLICE)
                receivers += rows.followers
                position = rows.last
                if receivers:
                    low_priority = pushes.started >= IN_ORDER
                    await pushes.start(self.timelines.push(receivers, entry, lease.deadline, low_priority, lease.check))
                receivers = []
