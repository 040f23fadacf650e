"""Users, follows and the requests already seen: what PostgreSQL promises."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from microblog_streams.records import Edge, User


class UserStore(Protocol):
    """Users, in PostgreSQL."""

    async def create(self, username: str, name_key: str) -> User:
        """Register; ``name_key`` is what must be unique. Raises UsernameTaken, also when two register at once."""
        ...

    async def get_many(self, ids: Collection[int]) -> Mapping[int, User]:
        """Return those of the users that exist and are not deleted."""
        ...

    async def page(self, after: int, limit: int) -> Sequence[User]:
        """Return up to ``limit`` users with id > ``after``, by id."""
        ...

    async def draw(self) -> int | None:
        """Return the id of somebody at random; None where the draw fell on nobody."""
        ...

    async def delete(self, user: int, at: datetime) -> bool:
        """Delete, in one transaction with its events: ``user.unfollow`` for each outgoing edge, then ``user.deleted``.

        Locks the user FOR UPDATE. False where there was nothing to delete.
        """
        ...


class FollowStore(Protocol):
    """Who follows whom, in PostgreSQL: the truth that every follower table and timeline is derived from."""

    async def set(self, follower: int, followee: int, following: bool, at: datetime) -> Edge:
        """Follow or unfollow, in one transaction with its event; no change and no event where it is so already.

        Takes FOR SHARE on both users when following; raises NotFound for one that is not there.
        Unfollowing somebody never followed leaves no row and answers an edge of version 0.
        """
        ...

    async def republish(self, edges: Collection[tuple[int, int]]) -> int:
        """Publish the last event of each edge (follower, followee) again; return how many there are.

        An edge that nobody ever made has none.
        """
        ...

    async def restate(self, after: tuple[int, int], limit: int) -> Sequence[Edge]:
        """Publish the last events of a page of ``edges_page`` again, as ones without effects; return the edges."""
        ...

    async def followees(self, follower: int) -> Sequence[int]:
        """Return everyone whom ``follower`` follows, by id (deleted users left out)."""
        ...

    async def followees_page(self, follower: int, after: int, limit: int) -> Sequence[User]:
        """Return up to ``limit`` followees with id > ``after``, by id."""
        ...

    async def followers_page(self, followee: int, after: int, limit: int) -> Sequence[User]:
        """Return up to ``limit`` followers with id > ``after``, by id."""
        ...

    async def edges_page(self, after: tuple[int, int], limit: int) -> Sequence[Edge]:
        """Return up to ``limit`` edges, also unfollowed ones, with (followee, follower) > ``after``, in that order."""
        ...


class IdempotencyStore(Protocol):
    """Idempotency-Key headers already seen, in PostgreSQL."""

    async def claim(self, author: int, key: str, digest: bytes, post_id: UUID) -> UUID:
        """Tie ``key`` of ``author`` to ``post_id`` and return it; the earlier id where the key was seen before.

        Raises KeyReused where the earlier request had another digest.
        """
        ...
