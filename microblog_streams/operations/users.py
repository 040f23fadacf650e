"""Registers, finds and deletes users. PostgreSQL is the truth; reads are usually answered by the cache in Redis."""

import asyncio
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Final

from microblog_streams.aio.failures import best_effort
from microblog_streams.domain.errors import Invalid, NotFound
from microblog_streams.domain.models import NO_CREDENTIALS, Credentials, IdempotencyKey, User
from microblog_streams.operations import validation
from microblog_streams.operations.pages import Page
from microblog_streams.operations.tokens import Tokens
from microblog_streams.ports import TimelineStore, UserCache, UserStore

#: Seconds that a registration, with its transaction open, waits for the new timeline in Redis.
TIMELINE_SECONDS: Final = 0.5
#: Least length of an Idempotency-Key of a registration. Without a caller to bind it to, it must be hard to guess.
MIN_KEY_CHARACTERS: Final = 16


@dataclass(frozen=True)
class Users:
    """Use cases of users."""

    store: UserStore
    cache: UserCache
    timelines: TimelineStore
    tokens: Tokens

    async def create(self, username: str, once: IdempotencyKey | None = None) -> User:
        """Register a user without password and token."""
        user, _ = await self.admit(username, once)
        return user

    async def admit(
        self, username: str, once: IdempotencyKey | None = None, credentials: Credentials = NO_CREDENTIALS
    ) -> tuple[User, bool]:
        """Register; return the user, and whether they are new.

        Raises Invalid for a name or a key that breaks the rules, UsernameTaken, KeyReused. A repeated call finds the
        same user, whose credentials are not changed; NotFound where they are deleted by now.
        """
        name, key = validation.username(username)
        user, new = await self._register(name, key, once, credentials)
        if new:
            await best_effort("cache_user", lambda: self.cache.fill([user]), None)
        return user, new

    async def _register(
        self, name: str, key: str, once: IdempotencyKey | None, credentials: Credentials
    ) -> tuple[User, bool]:
        if once is None:
            return await self.store.create(name, key, credentials, self._make_timeline), True
        if len(once.key) < MIN_KEY_CHARACTERS:
            raise Invalid(
                "Idempotency-Key", f"must have at least {MIN_KEY_CHARACTERS} characters here; make it a random UUID"
            )
        return await self.store.create_once(name, key, once, credentials, self._make_timeline)

    async def _make_timeline(self, user: int) -> None:
        """Create the new user's empty timeline before the commit; leave it cold where Redis is slow or away.

        After the commit it would be wrong: a repeated call on another worker finds the user, and the posts of users
        that they follow from then on would be missing in an empty timeline marked complete.
        """
        deadline = monotonic() + TIMELINE_SECONDS  # Redis refuses the call after that, too
        with suppress(TimeoutError):
            async with asyncio.timeout(TIMELINE_SECONDS):
                await best_effort("create_timeline", lambda: self.timelines.create(user, deadline), False)

    async def get(self, user: int) -> User:
        """Return a user. Raises NotFound, also for a deleted one."""
        found = await self.find([user])
        if user not in found:
            raise NotFound("user", user)
        return found[user]

    async def require(self, *users: int) -> None:
        """Raise NotFound for the first of the users that is not there."""
        found = await self.find(users)
        for user in users:
            if user not in found:
                raise NotFound("user", user)

    async def find(self, ids: Collection[int]) -> Mapping[int, User]:
        """Return the users that exist and are not deleted, by id."""
        return await self.complete(ids, await best_effort("cached_users", lambda: self.cache.get_many(ids), {}))

    async def complete(self, ids: Collection[int], cached: Mapping[int, User | None]) -> Mapping[int, User]:
        """Return the same, reading from the store only those that are not in ``cached``."""
        missing = [user for user in ids if user not in cached]
        stored = await self.store.get_many(missing) if missing else {}
        if stored:
            await best_effort("cache_users", lambda: self.cache.fill(stored.values()), None)
        known = {user: found for user, found in cached.items() if found is not None}
        return {**known, **stored}

    async def named(self, username: str) -> Page[User, int]:
        """Return a page with the user of this name, in any case and form, or an empty page. Raises Invalid."""
        _, key = validation.username(username)
        found = await self.store.named(key)
        return Page([found] if found else [])

    async def page(self, after: int, limit: int) -> Page[User, int]:
        """Return all users, by id, from ``after`` (exclusive) on."""
        users = await self.store.page(after, limit + 1)
        return people_page(users, limit)

    async def delete(self, user: int) -> None:
        """Delete a user and the edges of their follows; their posts disappear from every page. Raises NotFound.

        Their tokens end here at once, and on other workers within 30 s.
        """
        if not await self.store.delete(user, datetime.now(UTC)):
            raise NotFound("user", user)
        self.tokens.forget(user)
        await best_effort("mark_deleted_user", lambda: self.cache.delete(user), None)


def people_page(users: Collection[User], limit: int) -> Page[User, int]:
    """Make a page of ``limit`` users; one more than that was read, to know whether there is a next page."""
    items = list(users)[:limit]
    return Page(items, next=items[-1].id if len(users) > limit else None)
