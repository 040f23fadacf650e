"""Posts in Cassandra, and the caches of posts and users in Redis."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol
from uuid import UUID

from microblog_streams.domain.models import Post, PostView, User


class PostStore(Protocol):
    """Posts, in Cassandra: bodies by id, and the author index. Writes carry the id's time, so their order is free."""

    async def put(self, post: Post) -> None:
        """Write body and index row. Never restores a deleted post."""
        ...

    async def delete(self, post_id: UUID, author: int) -> None:
        """Flag a post as deleted and empty its text, also before it was written."""
        ...

    async def delete_all(self, author: int, ids: Sequence[UUID]) -> None:
        """Delete posts of an author: all bodies before the first index row.

        A call that fails half-way thus leaves no text whose index row hides it from ``newest``.
        """
        ...

    async def get_many(self, ids: Collection[UUID]) -> Mapping[UUID, Post]:
        """Return the posts that exist, deleted ones with their flag."""
        ...

    async def indexed(self, author: int, ids: Collection[UUID]) -> Mapping[UUID, bool]:
        """Return for each post with a row in the author index whether that row is flagged as deleted."""
        ...

    async def scan(self, after: UUID | None, limit: int) -> Sequence[Post]:
        """Return up to ``limit`` of all posts, deleted ones with their flag, in the store's own order.

        ``after`` is the last id of the previous part, None for the first one. An empty part ends the scan.
        """
        ...

    async def newest(self, author: int, before: UUID | None, limit: int) -> Sequence[UUID]:
        """Return an author's newest ``limit`` undeleted ids below ``before``, newest first.

        Fewer than ``limit`` are all there are. Reads a quorum, because pages continue after the last id.
        """
        ...

    async def oldest(self, author: int, after: UUID, limit: int) -> Sequence[UUID]:
        """Return an author's next ``limit`` undeleted ids above ``after``, oldest first. Reads a quorum."""
        ...


class NewestPosts(Protocol):
    """The posts of everybody, as the log has them."""

    async def newest(self, limit: int) -> Sequence[bytes]:
        """Return the entries of at least the newest ``limit`` posts that the log still has, in any order.

        Posts that were deleted since are among them. Raises StoreUnavailable.
        """
        ...


class PostCache(Protocol):
    """Posts by id. A deletion leaves a mark for an hour, so that all workers see it at once."""

    async def get_many(self, ids: Sequence[UUID]) -> Mapping[UUID, Post]:
        """Return the cached posts; a deletion mark is a Post with ``deleted``."""
        ...

    async def fill(self, posts: Collection[Post], stored: bool = False) -> None:
        """Add posts that are not cached (SET NX, so a deletion mark stays).

        ``stored``: ``PostStore.put`` succeeded for them. A successful read does not prove that: an aborted put may have
        written the body without the row in the author index.
        """
        ...

    async def stored(self, post_id: UUID) -> bool:
        """Return whether the post was filled as ``stored``."""
        ...

    async def delete(self, post_id: UUID, author: int) -> None:
        """Set the deletion mark."""
        ...


class UserCache(Protocol):
    """Users by id; the same rules as for posts."""

    async def get_many(self, ids: Collection[int]) -> Mapping[int, User | None]:
        """Return the cached users; None is the mark of a deleted user."""
        ...

    async def fill(self, users: Collection[User]) -> None:
        """Add users that are not cached (SET NX)."""
        ...

    async def replace(self, user: User) -> None:
        """Set a user's value, over any other."""
        ...

    async def delete(self, user: int) -> None:
        """Set the deletion mark."""
        ...


class CachedPage(NamedTuple):
    """What the caches have of a page."""

    #: The posts to show, in order, without deleted ones; None where the caches lack a post or an author.
    shown: Sequence[PostView] | None
    #: Users as from their cache: the owner, and all authors if ``shown`` is None.
    users: Mapping[int, User | None]
    #: Posts as from their cache, if ``shown`` is None.
    posts: Mapping[UUID, Post]


class PageCache(Protocol):
    """Both caches in one round trip, for a page of posts with the names of their authors."""

    async def page(self, entries: Sequence[bytes], owner: int | None) -> CachedPage:
        """Return what is cached of the entries' posts, their authors and the page's owner, if it has one."""
        ...
