"""Creates, reads and deletes posts. A post is accepted once the broker has confirmed its event.

After the confirmation the request also writes to Cassandra, the cache and the author's own timeline, so that the author
reads their own write. These are best-effort steps: the agents repeat them from the event.

``Hydration`` turns the entries of a page into posts: it adds texts and authors' names, from the caches in one request,
else from the stores. It drops deleted posts and posts of deleted users, so that a deletion changes one key and not a
million lists. A post that cannot be read is an error, so that no page is silently short.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from microblog_streams.aio.failures import best_effort
from microblog_streams.domain import topics
from microblog_streams.domain.errors import Forbidden, NotFound, NotStoredYet, StoreUnavailable, Transient
from microblog_streams.domain.events import Event, PostCreated, PostDeleted
from microblog_streams.domain.ids import (
    MAX_AHEAD_MS,
    encode_entry,
    entry_author,
    entry_post_id,
    new_post_id,
    post_millis,
)
from microblog_streams.domain.models import IdempotencyKey, Post, PostView, Reserved, User
from microblog_streams.logs.context import event_headers
from microblog_streams.operations import validation
from microblog_streams.operations.pages import Page
from microblog_streams.operations.users import Users
from microblog_streams.ports import (
    CachedPage,
    EventLog,
    IdempotencyStore,
    PageCache,
    PostCache,
    PostStore,
    TimelineStore,
)

logger = logging.getLogger(__name__)

NOTHING_CACHED: Final = CachedPage(None, {}, {})

#: An accepted post that neither Cassandra nor Redis took is stored by its event: once Cassandra is back and the agents
#: have caught up. Until then no store tells its id from one that never existed, so for this long after the time in an
#: id the answer is "try again". It covers an outage of up to an hour; all it costs is a late 404 for an invented id.
UNSTORED_SECONDS: Final = 3_600.0

ReadEntries = Callable[[UUID | None, int], Awaitable[Sequence[bytes]]]
Views = Callable[[Sequence[bytes]], Awaitable[Sequence[PostView]]]


@dataclass(frozen=True)
class Hydration:
    """Reads posts by their ids."""

    store: PostStore
    cache: PostCache
    page_cache: PageCache
    users: Users

    async def views(self, entries: Sequence[bytes], owner: int | None) -> Sequence[PostView]:
        """Return the posts in the order of ``entries``, without deleted ones. ``owner``: whose page they are on.

        Raises NotFound (the owner), and StoreUnavailable where a post cannot be read.
        """
        cached = await best_effort("cached_page", lambda: self.page_cache.page(entries, owner), NOTHING_CACHED)
        if cached.shown is not None and (owner is None or cached.users.get(owner)):
            return cached.shown
        return await self._completed(entries, owner, cached)

    async def _completed(self, entries: Sequence[bytes], owner: int | None, cached: CachedPage) -> Sequence[PostView]:
        """Return the same, reading from the stores what is not cached."""
        ids = [entry_post_id(entry) for entry in entries]
        owners = [] if owner is None else [owner]
        people = await self.users.complete({*owners, *map(entry_author, entries)}, cached.users)
        if owner is not None and owner not in people:
            raise NotFound("user", owner)
        posts = await self._complete(ids, cached.posts)
        for post_id in ids:
            if post_id not in posts:
                raise StoreUnavailable("cassandra", f"post {post_id} is not readable yet")
        return _shown([posts[post_id] for post_id in ids], people)

    async def page(self, read: ReadEntries, before: UUID | None, limit: int, views: Views) -> Page[PostView, UUID]:
        """Return up to ``limit`` posts older than ``before``; reads on where some were dropped.

        ``read`` takes a position and a count and returns that many entries below it, newest first; fewer where there
        are no more. ``views`` makes posts of them, and may drop some. Raises what either raises.
        """
        shown: list[PostView] = []
        position, wanted = before, limit + 1  # one more: is there a next page?
        while len(shown) < wanted:
            entries = await read(position, wanted)
            shown += await views(entries)
            if len(entries) < wanted:
                break
            position = entry_post_id(entries[-1])
        items = shown[:limit]
        return Page(items, next=items[-1].id if len(shown) > limit else None)

    async def find(self, ids: Sequence[UUID]) -> Mapping[UUID, Post]:
        """Return the posts that exist, also deleted ones, by id."""
        return await self._complete(ids, await best_effort("cached_posts", lambda: self.cache.get_many(ids), {}))

    async def _complete(self, ids: Sequence[UUID], cached: Mapping[UUID, Post]) -> Mapping[UUID, Post]:
        missing = [post_id for post_id in ids if post_id not in cached]
        if not missing:
            return cached
        stored = await self.store.get_many(missing)
        if stored:
            await best_effort("cache_posts", lambda: self.cache.fill(stored.values()), None)
        return {**cached, **stored}


def _shown(posts: Sequence[Post], authors: Mapping[int, User]) -> list[PostView]:
    return [view(post, authors[post.author]) for post in posts if not post.deleted and post.author in authors]


def view(post: Post, author: User) -> PostView:
    """Combine a post with its author's name."""
    return PostView(post.id, post.author, author.username, post.content)


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
        logger.debug("post_received event_id=%s user=%d", post.id, author)
        if not reserved.done:
            event = PostCreated(post_id=post.id, user_id=author, content=text, created_at=post.created_at)
            await self._publish(topics.POST_CREATED, event)
            await self._show(post, once, cache=reserved == fresh)
        return view(post, user)

    async def _show(self, post: Post, once: IdempotencyKey | None, cache: bool) -> None:
        """Make the post visible. A repeated one is not cached: it may be deleted by now, which only the store knows."""
        entry = encode_entry(post.id, post.author)
        steps = [
            self._keep(post, cache),
            best_effort("own_timeline", lambda: self.timelines.push([post.author], entry), 0),
        ]
        if once:
            steps.append(best_effort("finish_key", lambda: self.idempotency.finish(post.author, once), None))
        await asyncio.gather(*steps)

    async def _keep(self, post: Post, cache: bool) -> None:
        """Store and cache the post. The cache notes that it is stored, so that fan-out need not store it again."""
        stored = await best_effort("store_post", lambda: self._put(post), False)
        if cache:
            await best_effort("cache_post", lambda: self.cache.fill([post], stored), None)

    async def _put(self, post: Post) -> bool:
        await self.store.put(post)
        logger.debug("post_stored event_id=%s", post.id)
        return True

    async def get(self, post_id: UUID) -> PostView:
        """Return a post. Raises NotFound, also where the post or its author is deleted; NotStoredYet."""
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

        return await self.hydration.page(read, before, limit, lambda entries: self.hydration.views(entries, author))

    async def delete(self, post_id: UUID, by: int | None = None) -> None:
        """Delete a post; it disappears from every page at once. ``by``: the user who asks; None: not checked.

        Raises NotFound, NotStoredYet, Forbidden (``by`` is not the author), BrokerUnavailable, OutcomeUnknown.
        """
        post = await self._find(post_id)
        if by not in (None, post.author):
            await self.get(post_id)  # NotFound where the author is deleted: the post is hidden then
            raise Forbidden("Only its author can delete a post.")
        event = PostDeleted(post_id=post_id, user_id=post.author, deleted_at=datetime.now(UTC))
        await self._publish(topics.POST_DELETED, event)
        await asyncio.gather(
            best_effort("mark_deleted_post", lambda: self.cache.delete(post_id, post.author), None),
            best_effort("flag_deleted_post", lambda: self.store.delete(post_id, post.author), None),
        )

    async def _find(self, post_id: UUID) -> Post:
        post = (await self.hydration.find([post_id])).get(post_id)
        if post is None and _may_be_accepted(post_id):
            raise NotStoredYet(post_id)
        if post is None or post.deleted:
            raise NotFound("post", post_id)
        return post

    async def _publish(self, topic: str, event: Event) -> None:
        try:
            await self.log.publish(topic, event.key, event.encode(), event_headers())
        except Transient as exc:
            logger.warning("event_not_published topic=%s event_id=%s reason=%s", topic, event.ident, exc)
            raise
        if logger.isEnabledFor(logging.DEBUG):
            logger.debug("event_published topic=%s event_id=%s", topic, event.ident)


def _may_be_accepted(post_id: UUID) -> bool:
    """Return whether a post with this id may wait for its event. The worker that made the id may be ahead of us."""
    age_seconds = time.time() - post_millis(post_id) / 1_000
    return -MAX_AHEAD_MS / 1_000 <= age_seconds < UNSTORED_SECONDS
