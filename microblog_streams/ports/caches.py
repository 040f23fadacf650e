"""Caches of posts and users, in Redis: filled with SET NX, a deletion is a mark."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from microblog_streams.domain.models import Post, User


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
