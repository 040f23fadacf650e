"""Following and unfollowing as people ask for it: a row in PostgreSQL with its event; ``edges`` does the rest."""

from dataclasses import dataclass
from datetime import UTC, datetime

from microblog_streams.domain.errors import Invalid
from microblog_streams.domain.models import IdempotencyKey, User
from microblog_streams.operations.pages import Page
from microblog_streams.operations.users import Users, people_page
from microblog_streams.ports import BlockStore, FollowStore


@dataclass(frozen=True)
class Follows:
    """What the system does with who follows whom."""

    store: FollowStore
    users: Users
    #: People whom somebody may follow; 0: any number.
    max_followees: int = 0

    async def follow(self, follower: int, followee: int, once: IdempotencyKey | None = None) -> None:
        """Follow; nothing happens where it is so already.

        Raises Invalid (oneself), NotFound, Blocked, TooManyFollowees, KeyReused.
        A repeated call follows ``once``, also where the follower has unfollowed since.
        """
        if follower == followee:
            raise Invalid("followeeId", "nobody can follow themselves")
        await self.store.set(follower, followee, True, datetime.now(UTC), once, self.max_followees)

    async def unfollow(self, follower: int, followee: int) -> None:
        """Unfollow; nothing happens where it is so already. Raises NotFound."""
        await self.users.require(follower, followee)
        await self.store.set(follower, followee, False, datetime.now(UTC))

    async def followers(self, user: int, after: int, limit: int) -> Page[User, int]:
        """Return those who follow a user, by id. Raises NotFound."""
        await self.users.require(user)
        return people_page(await self.store.followers_page(user, after, limit + 1), limit)

    async def followees(self, user: int, after: int, limit: int) -> Page[User, int]:
        """Return those whom a user follows, by id. Raises NotFound."""
        await self.users.require(user)
        return people_page(await self.store.followees_page(user, after, limit + 1), limit)


@dataclass(frozen=True)
class Blocks:
    """What the system does with who has blocked whom."""

    store: BlockStore
    users: Users

    async def block(self, blocker: int, blocked: int, once: IdempotencyKey | None = None) -> None:
        """Block; nothing happens where it is so already. Raises Invalid (oneself), NotFound, KeyReused.

        A repeated call blocks ``once``, also where the blocker has unblocked since.
        """
        if blocker == blocked:
            raise Invalid("blockedId", "nobody can block themselves")
        await self.store.block(blocker, blocked, datetime.now(UTC), once)

    async def unblock(self, blocker: int, blocked: int) -> None:
        """Take a block back; nobody follows by it, and nothing happens where there is none. Raises NotFound."""
        await self.users.require(blocker, blocked)
        await self.store.unblock(blocker, blocked)

    async def blocked(self, user: int, after: int, limit: int) -> Page[User, int]:
        """Return those whom a user has blocked, by id. Raises NotFound."""
        await self.users.require(user)
        return people_page(await self.store.blocked_page(user, after, limit + 1), limit)
