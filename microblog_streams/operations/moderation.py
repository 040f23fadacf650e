"""What an operator does about users and posts: suspend, restore, remove, reset a password.

A suspended user is to everyone as one who was deleted: not found, their tokens and password invalid, their posts on no
page. But edges, posts and the name stay, so restoring brings all of it back. The cache has the mark of a deleted user;
readers without the cache do not find the user in the store. A post in flight is stored and fanned out, and not shown.
"""

import logging
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from pydantic import SecretStr

from microblog_streams.domain.errors import NotFound
from microblog_streams.domain.models import Suspension
from microblog_streams.operations import validation
from microblog_streams.operations.access import Passwords
from microblog_streams.operations.pages import Page
from microblog_streams.operations.posts import Posts
from microblog_streams.operations.users import Users

log = logging.getLogger(__name__)

#: Random bytes of a new password.
PASSWORD_BYTES: Final = 12


@dataclass(frozen=True)
class Moderation:
    """Use cases of operators."""

    users: Users
    posts: Posts
    passwords: Passwords

    async def suspended(self, after: int, limit: int) -> Page[Suspension, int]:
        """Return those who are suspended, by id, from ``after`` (exclusive) on."""
        found = await self.users.store.suspended_page(after, limit + 1)
        items = found[:limit]
        return Page(items, next=items[-1].user.id if len(found) > limit else None)

    async def suspend(self, user: int, reason: str = "") -> None:
        """Suspend a user; one who is suspended already gets the new reason, if there is one.

        It holds at once on this worker, and within 30 s, the life of a cached token, on all. Raises NotFound, Invalid
        (``reason``), and StoreUnavailable: repeat it then.
        """
        if not await self.users.store.suspend(user, datetime.now(UTC), validation.reason(reason)):
            raise NotFound("user", user)
        self.users.tokens.forget(user)
        await self.users.cache.delete(user)
        log.info("user_suspended user=%d", user)

    async def restore(self, user: int) -> None:
        """End a suspension; does nothing where there is none. Raises NotFound, StoreUnavailable: repeat it."""
        if not await self.users.store.restore(user):
            raise NotFound("user", user)
        found = (await self.users.store.get_many([user])).get(user)
        if found is not None:  # else they were deleted or suspended in between, which the cache knows already
            await self.users.cache.replace(found)
        log.info("user_restored user=%d", user)

    async def remove_post(self, post: UUID) -> None:
        """Delete a post, of any author. Raises NotFound, NotStoredYet, BrokerUnavailable, OutcomeUnknown."""
        await self.posts.delete(post)
        log.info("post_removed post=%s", post)

    async def reset_password(self, user: int) -> SecretStr:
        """Give a user another password, which is returned and stored nowhere. Raises NotFound, Busy."""
        password = SecretStr(secrets.token_urlsafe(PASSWORD_BYTES))
        await self.passwords.store.set(user, await self.passwords.hashed(password))
        log.info("password_reset user=%d", user)
        return password
