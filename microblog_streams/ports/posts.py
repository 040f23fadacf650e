"""Posts: what Cassandra promises.

Caches of posts and users, in Redis: filled with SET NX, a deletion is a mark.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from microblog_streams.domain.models import Post, User


class PostStore(Protocol):
    """Posts, in Cassandra. All writes are idempotent and carry the id's time, so their order does not matter."""

    async def put(self, post: Post) -> None:
        """Write a post; never brings back a deleted one."""
        ...

    async def delete(self, post_id: UUID, author: int) -> None:
        """Flag a post as deleted and empty its text, also before it was written."""
        ...

    async def delete_all(self, author: int, ids: Sequence[UUID]) -> None:
        """Delete posts of an author, all texts before the first flag in the author's index.

        So a call that failed, or whose process died, left no text whose flag hides it from ``newest``.
        """
        ...

    async def get_many(self, ids: Collection[UUID]) -> Mapping[UUID, Post]:
        """Return those posts that are there, deleted ones with their flag."""
        ...

    async def indexed(self, author: int, ids: Collection[UUID]) -> Mapping[UUID, bool]:
        """Return those of the posts of which the author's index has a row: whether it says that they are deleted."""
        ...

    async def scan(self, after: UUID | None, limit: int) -> Sequence[Post]:
        """Return up to ``limit`` posts of all, deleted ones with their flag, in an order of the store's own.

        ``after`` is the last one of the part before. An empty part: there are no more.
        """
        ...

    async def newest(self, author: int, before: UUID | None, limit: int) -> Sequence[UUID]:
        """Return the newest ``limit`` undeleted post ids of an author, older than ``before``, newest first.

        Fewer than ``limit`` means that there are no more (LOCAL_QUORUM: pages go on from the last of them).
        """
        ...

    async def oldest(self, author: int, after: UUID, limit: int) -> Sequence[UUID]:
        """Return the ``limit`` undeleted post ids of an author next above ``after``, oldest first (LOCAL_QUORUM)."""
        ...


class PostCache(Protocol):
    """Post bodies by id, in Redis. A deletion leaves a mark for an hour, so that it shows on every worker at once."""

    async def get_many(self, ids: Sequence[UUID]) -> Mapping[UUID, Post]:
        """Return what is cached; a deletion mark comes as a Post with ``deleted``."""
        ...

    async def fill(self, posts: Collection[Post], stored: bool = False) -> None:
        """Add posts that are not cached (SET NX: never over a deletion mark).

        ``stored``: a ``PostStore.put`` of them has succeeded. To have read them proves less: a put that was given up
        may have left the body without its row in the author's index.
        """
        ...

    async def stored(self, post_id: UUID) -> bool:
        """Tell whether a post was filled as ``stored``."""
        ...

    async def delete(self, post_id: UUID, author: int) -> None:
        """Put the deletion mark."""
        ...


class UserCache(Protocol):
    """Users by id, in Redis; the same rules as for posts."""

    async def get_many(self, ids: Collection[int]) -> Mapping[int, User | None]:
        """Return what is cached; None is the mark of a deleted user, a missing key says nothing."""
        ...

    async def fill(self, users: Collection[User]) -> None:
        """Add users that are not cached (SET NX)."""
        ...

    async def delete(self, user: int) -> None:
        """Put the deletion mark."""
        ...


class PageCache(Protocol):
    """Both caches at once: what a page shows, in one round trip."""

    async def get_many(
        self, ids: Sequence[UUID], users: Collection[int]
    ) -> tuple[Mapping[UUID, Post], Mapping[int, User | None]]:
        """Return what is cached of posts and of users, as the caches themselves do."""
        ...
