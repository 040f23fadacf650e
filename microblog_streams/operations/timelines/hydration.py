"""Hydrates entries: adds texts and authors' names, from the caches in one request, else from the stores.

Deleted posts and posts of deleted users are dropped here, so that a deletion changes one key and not a million lists.
A post that cannot be read is an error, so that no page is silently short.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from microblog_streams.aio.best_effort import attempt
from microblog_streams.domain.errors import NotFound, StoreUnavailable
from microblog_streams.domain.ids import entry_author, entry_post_id
from microblog_streams.domain.models import Post, User
from microblog_streams.operations.pages import Page, PostView
from microblog_streams.operations.users import Users
from microblog_streams.ports import PageCache, PostCache, PostStore

ReadEntries = Callable[[UUID | None, int], Awaitable[Sequence[bytes]]]


@dataclass(frozen=True)
class Hydration:
    """Reads posts by their ids."""

    store: PostStore
    cache: PostCache
    shelf: PageCache
    users: Users

    async def views(self, entries: Sequence[bytes], owner: int) -> list[PostView]:
        """Return the posts in the order of ``entries``, without deleted ones. ``owner``: whose page they are on.

        Raises NotFound (the owner), and StoreUnavailable where a post cannot be read.
        """
        ids = [entry_post_id(entry) for entry in entries]
        people = {owner, *map(entry_author, entries)}
        cached_posts, cached_people = await attempt("cached_page", self.shelf.get_many(ids, people), ({}, {}))
        people_there = await self.users.complete(people, cached_people)
        if owner not in people_there:
            raise NotFound("user", owner)
        posts = await self._complete(ids, cached_posts)
        for post_id in ids:
            if post_id not in posts:
                raise StoreUnavailable("cassandra", f"post {post_id} is not readable yet")
        return _shown([posts[post_id] for post_id in ids], people_there)

    async def page(self, read: ReadEntries, before: UUID | None, limit: int, owner: int) -> Page[PostView, UUID]:
        """Return up to ``limit`` posts older than ``before``; reads on where deleted ones were dropped.

        ``read`` takes a position and a count and returns that many entries below it, newest first; fewer where there
        are no more. Raises what ``views`` raises.
        """
        views: list[PostView] = []
        position, wanted = before, limit + 1  # one more: is there a next page?
        while len(views) < wanted:
            entries = await read(position, wanted)
            views += await self.views(entries, owner)
            if len(entries) < wanted:
                break
            position = entry_post_id(entries[-1])
        items = views[:limit]
        return Page(items, next=items[-1].id if len(views) > limit else None)

    async def find(self, ids: Sequence[UUID]) -> Mapping[UUID, Post]:
        """Return the posts that exist, also deleted ones, by id."""
        return await self._complete(ids, await attempt("cached_posts", self.cache.get_many(ids), {}))

    async def _complete(self, ids: Sequence[UUID], cached: Mapping[UUID, Post]) -> Mapping[UUID, Post]:
        missing = [post_id for post_id in ids if post_id not in cached]
        if not missing:
            return cached
        stored = await self.store.get_many(missing)
        if stored:
            await attempt("cache_posts", self.cache.fill(stored.values()), None)
        return {**cached, **stored}


def _shown(posts: Sequence[Post], authors: Mapping[int, User]) -> list[PostView]:
    return [view(post, authors[post.author]) for post in posts if not post.deleted and post.author in authors]


def view(post: Post, author: User) -> PostView:
    """Combine a post with its author's name."""
    return PostView(post.id, post.author, author.username, post.content)
