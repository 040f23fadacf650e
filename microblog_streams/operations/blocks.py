"""Blocking as people ask for it: a row in PostgreSQL, and the end of the edges both ways; ``edges`` does the rest.

It keeps two people out of each other's home timelines, and from following each other. It hides nothing: what is public
stays public, also for who is blocked, because everybody can read it without saying who they are.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from microblog_streams.domain.errors import Invalid
from microblog_streams.domain.models import IdempotencyKey, User
from microblog_streams.operations.pages import Page
from microblog_streams.operations.users import Users, people_page
from microblog_streams.ports import BlockStore


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
