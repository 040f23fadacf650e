"""Writes what events tell into the index: many documents by one bulk request, each with an outcome of its own.

Every effect hands its document to one batcher and waits for it. While a request is under way the next one gathers, as
large as the windows of the partition processors let it become, so a slow engine slows the reading of events. A document
that fails for a reason that passes (an overload, a full disk) is tried again by ``deliver``, however long it takes.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from microblog_streams.aio.batcher import Batcher
from microblog_streams.domain.events import Event, PostCreated, PostDeleted, UserChanged, UserCreated, UserDeleted
from microblog_streams.domain.measures import DELIVERY_SECONDS, Histogram
from microblog_streams.domain.models import Post, User
from microblog_streams.operations.fan_out import LATE_POSTS
from microblog_streams.ports.events import Lease
from microblog_streams.search.documents import (
    Kind,
    Write,
    deleted_post,
    deleted_user,
    post_write,
    user_write,
)
from microblog_streams.search.index import PostFilter, SearchIndex
from microblog_streams.search.query import Query
from microblog_streams.traces import in_span

logger = logging.getLogger(__name__)

#: Posts of a deleted user that are looked up and deleted at a time.
PAGE_POSTS = 500
#: Deleted users that an indexer remembers, because posts of theirs may come after the deletion: some 10 MB.
REMEMBERED_USERS = 100_000


class Indexer:
    """The effects of events on the index; all may be repeated, in any order."""

    def __init__(self, index: SearchIndex) -> None:
        """``index`` takes the documents."""
        self._index = index
        self._batch: Batcher[Write, Exception | None] = Batcher(index.write)
        self._refresh: Batcher[None, None] = Batcher(self._refresh_once)
        #: When these were deleted.
        self._deleted_users: dict[int, datetime] = {}
        #: Documents written, by kind.
        self.written: Counter[Kind] = Counter(dict.fromkeys(Kind, 0))
        #: Seconds from a post's creation until the engine has it; a search finds it up to a second later.
        self.seconds = Histogram(DELIVERY_SECONDS)

    async def apply(self, event: Event, lease: Lease) -> None:
        """Write what the event tells. Raises StoreUnavailable; Rejected where the engine will never take it."""
        match event:
            case PostCreated():
                post = Post(event.post_id, event.user_id, event.content)
                await self._write(deleted_post(post.id) if self._is_gone(post) else post_write(post))
                self._measure(max(0.0, time.time() - post.created_at.timestamp()))
            case PostDeleted():
                await self._write(deleted_post(event.post_id))
            case UserCreated():
                await self._write(user_write(User(event.user_id, event.username, event.at)))
            case UserChanged():
                user = User(event.user_id, event.username, event.at, event.display_name)
                await self._write(user_write(user, event.at, event.followers))
            case UserDeleted():
                self._remember(event.user_id, event.at)
                await self._write(deleted_user(event.user_id))
                await self._delete_posts(event.user_id)
            case _:
                raise TypeError(f"{type(event).__name__} has no place in the index")

    def _measure(self, seconds: float) -> None:
        self.seconds.observe(seconds)
        logger.debug("post_indexed seconds=%.3f", seconds)

    def _is_gone(self, post: Post) -> bool:
        """Return whether the author is deleted. A much newer post is of another user, who got the same id later."""
        deleted_at = self._deleted_users.get(post.author)
        return deleted_at is not None and post.created_at - deleted_at < LATE_POSTS

    def _remember(self, user: int, at: datetime) -> None:
        self._deleted_users[user] = at
        if len(self._deleted_users) > REMEMBERED_USERS:
            del self._deleted_users[next(iter(self._deleted_users))]

    async def _delete_posts(self, author: int) -> None:
        """Delete all posts that were written until now. A later one is a deletion by the time that it is written.

        Only an indexer that was started in between does not know of the deletion: such a post is hidden at reading, and
        ``verify`` removes it.
        """
        await self._refresh([None])
        last: UUID | None = None
        while ids := await self._index.newest(PostFilter(Query(), author=author), last, PAGE_POSTS):
            await asyncio.gather(*(self._write(deleted_post(post_id)) for post_id in ids))
            last = ids[-1]

    async def _refresh_once(self, waiting: Sequence[None]) -> Sequence[None]:
        await self._index.refresh()
        return waiting

    async def _write(self, document: Write) -> None:
        (outcome,) = await in_span("index", self._batch([document]))
        if outcome is not None:
            raise outcome
        self.written[document.kind] += 1
