"""Users, follows, blocks and the requests already seen: what PostgreSQL promises."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from microblog_streams.domain.models import NO_CREDENTIALS, Credentials, Edge, IdempotencyKey, Reserved, User

#: Called with the id of a user whose row is not committed yet. It must not raise, and be soon over: locks are held.
BeforeCommit = Callable[[int], Awaitable[None]]


class UserStore(Protocol):
    """Users, in PostgreSQL."""

    async def create(
        self,
        username: str,
        name_key: str,
        credentials: Credentials = NO_CREDENTIALS,
        before_commit: BeforeCommit | None = None,
    ) -> User:
        """Register, in one transaction with the credentials (none unless given); ``name_key`` is what must be unique.

        ``before_commit`` is awaited with a new user's id while nobody else can know of them.
        Raises UsernameTaken, also when two register at once; also for a name that looks like somebody's
        (``lookalikes``), and for one of somebody who was deleted less than the days of the settings ago.
        """
        ...

    async def create_once(
        self,
        username: str,
        name_key: str,
        once: IdempotencyKey,
        credentials: Credentials = NO_CREDENTIALS,
        before_commit: BeforeCommit | None = None,
    ) -> tuple[User, bool]:
        """Register, in one transaction with the key's row; return the user, and whether they are new.

        A key that came before leads to the user of that time, without a change, also of the credentials. Raises
        UsernameTaken, which leaves the key free; KeyReused where the earlier request was another; NotFound where its
        user is deleted by now.
        """
        ...

    async def get_many(self, ids: Collection[int]) -> Mapping[int, User]:
        """Return those of the users that exist and are not deleted."""
        ...

    async def named(self, name_key: str) -> User | None:
        """Return who has the name with this key; None where nobody has."""
        ...

    async def page(self, after: int, limit: int) -> Sequence[User]:
        """Return up to ``limit`` users with id > ``after``, by id."""
        ...

    async def draw(self) -> int | None:
        """Return the id of somebody at random; None where the draw fell on nobody."""
        ...

    async def delete(self, user: int, at: datetime) -> bool:
        """Delete, in one transaction with its events: ``user.unfollow`` for each outgoing edge, then ``user.deleted``.

        Locks the user FOR UPDATE. Tokens, password, and blocks by the user and of the user go too. False where there
        was nothing to delete.
        """
        ...

    async def delete_again(self, user: int, at: datetime) -> bool:
        """Delete somebody whose deletion PostgreSQL has lost; False where it has not, or another has the id since."""
        ...


class FollowStore(Protocol):
    """Who follows whom, in PostgreSQL: the truth that every follower table and timeline is derived from."""

    async def set(
        self,
        follower: int,
        followee: int,
        following: bool,
        at: datetime,
        once: IdempotencyKey | None = None,
        most: int = 0,
    ) -> Edge:
        """Follow or unfollow, in one transaction with its event; no change and no event where it is so already.

        Nobody comes to follow more than ``most`` people (0: any number), deleted ones not counted, however many follows
        come at once. Raises TooManyFollowees; edges that are there stay, whatever their number.
        Takes FOR SHARE on both users when following; raises NotFound for one that is not there, Blocked where either
        has blocked the other.
        Unfollowing somebody never followed leaves no row and answers an edge of version 0.
        A key of the follower that came before changes nothing, whatever the edge is by now. Raises KeyReused.
        """
        ...

    async def republish(self, edges: Collection[tuple[int, int]]) -> int:
        """Publish the last event of each edge (follower, followee) again; return how many there are.

        An edge that nobody ever made has none.
        """
        ...

    async def correct(self, claims: Sequence[Edge]) -> int:
        """Have PostgreSQL's word be the last on edges of which the claims know a version that it has lost.

        Each gets a higher one, with its event, and is as it is there: ended where it is not. Return how many there are.
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


class BlockStore(Protocol):
    """Who has blocked whom, in PostgreSQL. Between two of whom one has blocked the other nobody follows."""

    async def block(self, blocker: int, blocked: int, at: datetime, once: IdempotencyKey | None = None) -> None:
        """Block, in one transaction with the end of the edges both ways and their events; idempotent.

        A follow at the same moment is ended by it, or refused. Raises NotFound for a user that is not there.
        A key of the blocker that came before changes nothing, whatever was unblocked since. Raises KeyReused.
        """
        ...

    async def unblock(self, blocker: int, blocked: int) -> None:
        """Take a block back; edges stay as they are. Nothing happens where there is none."""
        ...

    async def blocked_page(self, blocker: int, after: int, limit: int) -> Sequence[User]:
        """Return up to ``limit`` of those whom ``blocker`` has blocked with id > ``after``, by id."""
        ...


class IdempotencyStore(Protocol):
    """Idempotency-Keys of posts, in PostgreSQL, and the end of all keys after 24 hours."""

    async def claim(self, author: int, once: IdempotencyKey, post_id: UUID) -> Reserved:
        """Tie a key of ``author`` to a post to be; return the earlier one where the key came before.

        One that is older than 24 hours counts as new, swept or not. Raises KeyReused where the earlier request was
        another.
        """
        ...

    async def finish(self, author: int, once: IdempotencyKey) -> None:
        """Say that the key's post was acknowledged."""
        ...

    async def sweep(self, limit: int) -> int:
        """Remove up to ``limit`` keys that are older than 24 hours; return how many that were."""
        ...
