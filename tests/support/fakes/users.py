"""Users in memory."""

import random
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from microblog_streams.domain.errors import NotFound, UsernameTaken
from microblog_streams.domain.events import UserDeleted
from microblog_streams.domain.models import NO_CREDENTIALS, Credentials, IdempotencyKey, Suspension, User
from microblog_streams.domain.topics import USER_DELETED
from microblog_streams.ports import BeforeCommit
from microblog_streams.stores.postgres.users import HOLD_DAYS, REASONS
from tests.support.fakes.database import FakeDatabase


class FakeUsers:
    """The ``UserStore`` of a fake database."""

    def __init__(self, database: FakeDatabase, hold_days: int = HOLD_DAYS) -> None:
        self.database = database
        self.hold_days = hold_days

    async def create(
        self,
        username: str,
        name_key: str,
        credentials: Credentials = NO_CREDENTIALS,
        before_commit: BeforeCommit | None = None,
    ) -> User:
        self.database.check()
        self._refuse_taken(username, name_key)
        ident = self.database.next_user()
        if before_commit is not None:
            await before_commit(ident)
        self._refuse_taken(username, name_key)
        return self.database.add_user(username, name_key, credentials, ident)

    def _refuse_taken(self, username: str, name_key: str) -> None:
        if taken := self.database.taken(username, name_key, self.hold_days):
            raise UsernameTaken(username, REASONS[taken])

    async def create_once(
        self,
        username: str,
        name_key: str,
        idempotency_key: IdempotencyKey,
        credentials: Credentials = NO_CREDENTIALS,
        before_commit: BeforeCommit | None = None,
    ) -> tuple[User, bool]:
        self.database.check()
        if seen := self.database.seen(0, idempotency_key):
            if seen.user_id not in self.database.users:
                raise NotFound("user", seen.user_id)
            return self.database.users[seen.user_id], False
        user = await self.create(username, name_key, credentials, before_commit)
        self.database.keep(0, idempotency_key, user_id=user.id)
        return user, True

    async def get_many(self, ids: Collection[int]) -> Mapping[int, User]:
        self.database.check()
        return {user: found for user in ids if (found := self.database.shown(user))}

    async def undeleted(self, ids: Collection[int]) -> Mapping[int, User]:
        self.database.check()
        return {user: self.database.users[user] for user in ids if user in self.database.users}

    async def named(self, name_key: str) -> User | None:
        self.database.check()
        return self.database.shown(self.database.names.get(name_key, 0))

    async def page(self, after: int, limit: int) -> Sequence[User]:
        self.database.check()
        shown = [user for ident, user in sorted(self.database.users.items()) if self.database.shown(ident)]
        return [user for user in shown if user.id > after][:limit]

    async def ids(self, after: int, limit: int) -> Sequence[int]:
        self.database.check()
        return [user for user in sorted(self.database.users) if user > after][:limit]

    async def draw(self) -> int | None:
        self.database.check()
        return random.choice(sorted(self.database.users)) if self.database.users else None

    async def suspend(self, user: int, at: datetime, reason: str = "") -> bool:
        self.database.check()
        if user in self.database.users:
            since, why = self.database.suspended.get(user, (at, ""))
            self.database.suspended[user] = since, reason or why
        return user in self.database.users

    async def suspended_page(self, after: int, limit: int) -> Sequence[Suspension]:
        self.database.check()
        found = sorted(ident for ident in self.database.suspended if ident in self.database.users and ident > after)
        return [Suspension(self.database.users[ident], *self.database.suspended[ident]) for ident in found[:limit]]

    async def restore(self, user: int) -> bool:
        self.database.check()
        self.database.suspended.pop(user, None)
        return user in self.database.users

    async def delete(self, user: int, at: datetime) -> bool:
        self.database.check()
        if self.database.users.pop(user, None) is None:
            return False
        self.database.drop_tokens(user)
        self.database.passwords.pop(user, None)
        self.database.hold_name(user, at)
        self.database.blocks = {pair for pair in self.database.blocks if user not in pair}
        for edge in list(self.database.edges.values()):
            if edge.follower == user and edge.following:
                self.database.write_edge(user, edge.followee, False, at)
        self.database.add_event(USER_DELETED, UserDeleted(user_id=user, at=at))
        return True

    async def delete_again(self, user: int, at: datetime) -> bool:
        self.database.check()
        found = self.database.users.get(user)
        return found is not None and found.created_at <= at + timedelta(minutes=1) and await self.delete(user, at)
