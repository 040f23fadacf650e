"""From post ids to posts as people see them: bodies from the cache, then the post store, and the authors' names.

Deleted posts and posts of deleted users drop out here, so that a deletion touches one key and not a million lists.
A body that cannot be read is an error: a page is never silently shorter.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from microblog_streams.errors import StoreUnavailable
from microblog_streams.operations.attempts import attempt
from microblog_streams.operations.pages import Page, PostView
from microblog_streams.operations.users import Users
from microblog_streams.records import Post, User
from microblog_streams.stores.interfaces import PostCache, PostStore

ReadIds = Callable[[UUID | None, int], Awaitable[Sequence[UUID]]]


@dataclass(frozen=True)
class Bodies:
    """Reads posts by their ids."""

    store: PostStore
    cache: PostCache
    users: Users

    async def views(self, ids: Sequence[UUID]) -> list[PostView]:
        """Return the posts in the order of ``ids``, less the deleted. StoreUnavailable where one cannot be read."""
        posts = await self.find(ids)
        for post_id in ids:
            if post_id not in posts:
                raise StoreUnavailable("cassandra", f"post {post_id} is not readable yet")
        shown = [posts[post_id] for post_id in ids if not posts[post_id].deleted]
        authors = await self.users.find({post.author for post in shown})
        return [view(post, authors[post.author]) for post in shown if post.author in authors]

    async def page(self, read: ReadIds, before: UUID | None, limit: int) -> Page[PostView, UUID]:
        """Return up to ``limit`` posts older than ``before``, filled up where deleted ones drop out.

        ``read`` takes a position and a number and returns so many ids below it, newest first; fewer: there are no more.
        """
        views: list[PostView] = []
        position, wanted = before, limit + 1  # one more tells whether there is a next page
        while len(views) < wanted:
            ids = await read(position, wanted)
            views += await self.views(ids)
            if len(ids) < wanted:
                break
            position = ids[-1]
        items = views[:limit]
        return Page(items, next=items[-1].id if len(views) > limit else None)

    async def find(self, ids: Sequence[UUID]) -> Mapping[UUID, Post]:
        """Return those of the posts that are there, deleted ones with their flag."""
        cached = await attempt("cached_posts", self.cache.get_many(ids), {})
        missing = [post_id for post_id in ids if post_id not in cached]
        stored = await self.store.get_many(missing) if missing else {}
        if stored:
            await attempt("cache_posts", self.cache.fill(stored.values()), None)
        return {**cached, **stored}


def view(post: Post, author: User) -> PostView:
    """Put a post and its author's name together."""
    return PostView(post.id, post.author, author.username, post.content, post.created_at)
