"""Creates, reads and deletes posts. A post is accepted once the broker has confirmed its event.

After the confirmation the request also writes to Cassandra, the cache and the author's own timeline, so that the author
reads their own write. These are best-effort steps: the agents repeat them from the event.
"""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from microblog_streams.aio.best_effort import attempt
from microblog_streams.domain import topics
from microblog_streams.domain.errors import Forbidden, NotFound
from microblog_streams.domain.events import HEADERS, Event, PostCreated, PostDeleted
from microblog_streams.domain.ids import encode_entry, new_post_id
from microblog_streams.domain.models import IdempotencyKey, Post, Reserved
from microblog_streams.operations import validation
from microblog_streams.operations.pages import Page, PostView
from microblog_streams.operations.timelines.hydration import Hydration, view
from microblog_streams.operations.users import Users
from microblog_streams.ports import EventLog, IdempotencyStore, PostCache, PostStore, TimelineStore


@dataclass(frozen=True)
class Posts:
    """Use cases of posts."""

    log: EventLog
    store: PostStore
    cache: PostCache
    timelines: TimelineStore
    idempotency: IdempotencyStore
    users: Users
    hydration: Hydration

    async def create(self, author: int, content: str, once: IdempotencyKey | None = None) -> PostView:
        """Create a post; returns once it is accepted. A repeated call with the same key returns the same post.

        Raises Invalid, NotFound (the author), KeyReused, BrokerUnavailable (nothing was sent), OutcomeUnknown.
        """
        text = validation.content(content)
        user = await self.users.get(author)
        fresh = Reserved(new_post_id())
        reserved = await self.idempotency.claim(author, once, fresh.post_id) if once else fresh
        post = Post(reserved.post_id, author, text)
        if not reserved.done:
            event = PostCreated(post_id=post.id, user_id=author, content=text, created_at=post.created_at)
            await self._publish(topics.POST_CREATED, event)
            await self._show(post, once, cache=reserved == fresh)
        return view(post, user)

    async def _show(self, post: Post, once: IdempotencyKey | None, cache: bool) -> None:
        """Make the post visible. A repeated one is not cached: it may be deleted by now, which only the store knows."""
        steps = [
            self._keep(post, cache),
            attempt("own_timeline", self.timelines.push([post.author], encode_entry(post.id, post.author)), 0),
        ]
        if once:
            steps.append(attempt("finish_key", self.idempotency.finish(post.author, once), None))
        await asyncio.gather(*steps)

    async def _keep(self, post: Post, cache: bool) -> None:
        """Store and cache the post. The cache notes that it is stored, so that fan-out need not store it again."""
        stored = await attempt("store_post", self._put(post), False)
        if cache:
            await attempt("cache_post", self.cache.fill([post], stored), None)

    async def _put(self, post: Post) -> bool:
        await self.store.put(post)
        return True

    async def get(self, post_id: UUID) -> PostView:
        """Return a post. Raises NotFound, also where the post or its author is deleted."""
        post = await self._find(post_id)
        authors = await self.users.find([post.author])
        if post.author not in authors:
            raise NotFound("post", post_id)
        return view(post, authors[post.author])

    async def by_author(self, author: int, before: UUID | None, limit: int) -> Page[PostView, UUID]:
        """Return an author's posts, newest first. Raises NotFound."""

        async def read(position: UUID | None, count: int) -> list[bytes]:
            ids = await self.store.newest(author, position, count)
            return [encode_entry(post_id, author) for post_id in ids]

        return await self.hydration.page(read, before, limit, author)

    async def delete(self, post_id: UUID, by: int | None = None) -> None:
        """Delete a post; it disappears from every page at once. ``by``: the user who asks; None: not checked.

        Raises NotFound, Forbidden (``by`` is not the author), BrokerUnavailable, OutcomeUnknown.
        """
        post = await self._find(post_id)
        if by not in (None, post.author):
            await self.get(post_id)  # NotFound where the author is deleted: the post is hidden then
            raise Forbidden("Only its author can delete a post.")
        event = PostDeleted(post_id=post_id, user_id=post.author, deleted_at=datetime.now(UTC))
        await self._publish(topics.POST_DELETED, event)
        await asyncio.gather(
            attempt("mark_deleted_post", self.cache.delete(post_id, post.author), None),
            attempt("flag_deleted_post", self.store.delete(post_id, post.author), None),
        )

    async def _find(self, post_id: UUID) -> Post:
        post = (await self.hydration.find([post_id])).get(post_id)
        if post is None or post.deleted:
            raise NotFound("post", post_id)
        return post

    async def _publish(self, topic: str, event: Event) -> None:
        await self.log.publish(topic, event.key, event.encode(), HEADERS)
