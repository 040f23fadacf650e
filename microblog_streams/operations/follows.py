"""Follows, unfollows and blocks: a row in PostgreSQL with its event in the outbox, which ``follow_effects`` applies.

A block ends the edges between two users and refuses new ones. It hides nothing: posts are public.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from microblog_streams.domain.errors import Invalid
from microblog_streams.domain.models import IdempotencyKey, User
from microblog_streams.operations.pages import Page
from microblog_streams.operations.users import Users, people_page
from microblog_streams.ports import BlockStore, FollowStore


@dataclass(frozen=True)
class Follows:
    """Use cases of follows."""

    store: FollowStore
    users: Users
    #: Users that one user may follow; 0: any number.
    max_followees: int = 0

    async def follow(self, follower: int, followee: int, once: IdempotencyKey | None = None) -> None:
        """Follow; does nothing where the edge exists.

        Raises Invalid (the same user twice), NotFound, Blocked, TooManyFollowees, KeyReused. A repeated call with the
        same key does nothing, also where the follower has unfollowed since.
        """
        if follower == followee:
            raise Invalid("followeeId", "a user cannot follow themselves")
        await self.store.set(follower, followee, True, datetime.now(UTC), once, self.max_followees)

    async def unfollow(self, follower: int, followee: int) -> None:
        """Unfollow; does nothing where there is no edge. Raises NotFound."""
        await self.users.require(follower, followee)
        await self.store.set(follower, followee, False, datetime.now(UTC))

    async def followers(self, user: int, after: int, limit: int) -> Page[User, int]:
        """Return a user's followers, by id. Raises NotFound."""
        await self.users.require(user)
        return people_page(await self.store.followers_page(user, after, limit + 1), limit)

    async def followees(self, user: int, after: int, limit: int) -> Page[User, int]:
        """Return a user's followees, by id. Raises NotFound."""
        await self.users.require(user)
        return people_page(await self.store.followees_page(user, after, limit + 1), limit)


@dataclass(frozen=True)
class Blocks:
    """Use cases of blocks."""

    store: BlockStore
    users: Users

    async def block(self, blocker: int, blocked: int, once: IdempotencyKey | None = None) -> None:
        """Block; does nothing where the block exists. Raises Invalid (the same user twice), NotFound, KeyReused.

        A repeated call with the same key does nothing, also where the blocker has unblocked since.
        """
        if blocker == blocked:
            raise Invalid("blockedId", "a user cannot block themselves")
        await self.store.block(blocker, blocked, datetime.now(UTC), once)

    async def unblock(self, blocker: int, blocked: int) -> None:
        """Remove a block; does nothing where there is none, and restores no edge. Raises NotFound."""
        await self.users.require(blocker, blocked)
        await self.store.unblock(blocker, blocked)

    async def blocked(self, user: int, after: int, limit: int) -> Page[User, int]:
        """Return the users that a user has blocked, by id. Raises NotFound."""
        await self.users.require(user)
        return people_page(await self.store.blocked_page(user, after, limit + 1), limit)
