"""Fan-out on write: pushes a new post to the public timeline and to those of its author and all followers.

The followers are read from the table in slices, and the lease is checked before each. A worker that has lost the
partition stops, and the next owner repeats the whole fan-out. Pushing twice has no effect.
"""

import contextlib
import logging
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from microblog_streams.aio.failures import best_effort
from microblog_streams.aio.tasks import BoundedPipeline, InFlight
from microblog_streams.domain.events import PostCreated
from microblog_streams.domain.ids import PUBLIC, encode_entry, post_millis, post_time
from microblog_streams.domain.measures import DELIVERY_SECONDS, FOLLOWERS, Exemplar, ExemplarHistogram, Histogram
from microblog_streams.domain.models import Post
from microblog_streams.ports import Followers, PostCache, PostStore, TimelineStore
from microblog_streams.ports.events import Lease
from microblog_streams.traces import in_span, recorded_id

logger = logging.getLogger(__name__)

#: Rows read, and timelines pushed to, in one step: some 0.3 ms of the event loop and 1 ms of Redis, which other work
#: waits for. With 500, a post to a million took as long, and an ordinary post beside it 20 ms more than its 14 ms at
#: p50 (docs/results.md).
SLICE_ROWS = 350

#: Slices of one fan-out pushed concurrently: while Redis works on one, the next is read.
CONCURRENT_SLICES = 2

#: The first slices of a post are pushed before those of newer posts; later ones have low priority, so that a few posts
#: to a million do not delay all others. Authors with no more followers than that have their posts pushed in order.
HIGH_PRIORITY_SLICES = 10

#: Seconds for which fan-out trusts the cache that the request has stored the post.
FRESH_SECONDS = 60.0

#: Posts may be accepted this long after their author's deletion: workers trust a token for 30 seconds, and their clocks
#: differ.
LATE_POSTS = timedelta(seconds=60)

#: The follower id of an author's tombstone row; no user has this id.
TOMBSTONE = 0


@dataclass
class Running:
    """The running fan-outs, by author: an unfollow waits for those that began before it."""

    authors: dict[int, InFlight] = field(default_factory=lambda: defaultdict(InFlight))

    @contextlib.contextmanager
    def running(self, author: int) -> Iterator[None]:
        """Count a fan-out as running inside the block."""
        try:
            with self.authors[author].call():
                yield
        finally:
            if not self.authors[author]:
                del self.authors[author]

    async def wait(self, author: int) -> None:
        """Return when all fan-outs that run now have ended."""
        if author in self.authors:
            await self.authors[author].wait_ended()


@dataclass(frozen=True)
class FanOutMeasures:
    """What the fan-outs of a worker were like."""

    #: Seconds from a post's acceptance, by the time in its id, to its last push. Exemplars have the event's id, as log
    #: lines do, and the trace's.
    seconds: ExemplarHistogram = field(default_factory=lambda: ExemplarHistogram(DELIVERY_SECONDS))
    followers: Histogram = field(default_factory=lambda: Histogram(FOLLOWERS))


@dataclass(frozen=True)
class FanOut:
    """Applies ``post.created`` events."""

    followers: Followers
    posts: PostStore
    cache: PostCache
    timelines: TimelineStore
    running: Running
    measures: FanOutMeasures = field(default_factory=FanOutMeasures)

    async def deliver(self, event: PostCreated, lease: Lease) -> None:
        """Store the post and push it; delete it where its author is deleted. Raises NotMine, StoreUnavailable."""
        author = event.user_id
        if not await self._stored(event.post_id):
            await self.posts.put(Post(event.post_id, author, event.content))
            logger.debug("post_stored")
        with self.running.running(author):
            tombstone = self.followers.row(lease.partition, author, TOMBSTONE)
            if tombstone is None:
                entry = encode_entry(event.post_id, author)
                followers = await in_span("fan_out", self._push(author, entry, lease))
                self._measure(event.post_id, followers)
        # The deletion of the author's posts may have run before this one was written. A much newer post is of another
        # user, who got the id after PostgreSQL had lost the first one.
        if tombstone is not None and post_time(event.post_id) - tombstone.changed_at < LATE_POSTS:
            await self.cache.delete(event.post_id, author)
            await self.posts.delete(event.post_id, author)

    def _measure(self, post_id: UUID, followers: int) -> None:
        seconds = max(0.0, _age_seconds(post_id))
        self.measures.followers.observe(followers)
        self.measures.seconds.observe_exemplar(Exemplar({"event_id": post_id, **recorded_id()}, seconds, time.time()))
        logger.debug("timelines_pushed timelines=%d seconds=%.3f", followers + 2, seconds)

    async def _stored(self, post_id: UUID) -> bool:
        """Return whether the request has stored the post. Never for an old event: a store may be lost."""
        young = _age_seconds(post_id) < FRESH_SECONDS
        return young and await best_effort("stored", lambda: self.cache.stored(post_id), False)

    async def _push(self, author: int, entry: bytes, lease: Lease) -> int:
        """Push the entry to all followers, the author and the public timeline; return the number of followers."""
        followers = 0
        receivers: list[int] = [author, PUBLIC]
        position: int | None = TOMBSTONE
        async with BoundedPipeline(CONCURRENT_SLICES) as pushes:
            while position is not None:
                lease.check()
                rows = self.followers.slice(lease.partition, author, position, SLICE_ROWS)
                receivers += rows.followers
                followers += len(rows.followers)
                position = rows.last
                if receivers:
                    low_priority = pushes.started >= HIGH_PRIORITY_SLICES
                    await pushes.start(self.timelines.push(receivers, entry, lease.deadline, low_priority, lease.check))
                receivers = []
        return followers


def _age_seconds(post_id: UUID) -> float:
    """Return the time since a post was accepted; below 0 where the clock of the worker that accepted it is ahead."""
    return time.time() - post_millis(post_id) / 1000
