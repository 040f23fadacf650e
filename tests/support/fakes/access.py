"""Tokens and passwords in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from microblog_streams.domain.errors import NotFound
from microblog_streams.domain.models import Login, NewToken, Token
from microblog_streams.stores.postgres.credentials import MAX_TOKENS
from tests.support.fakes.database import FakeDatabase


class FakeTokens:
    """The ``TokenStore`` of a fake database."""

    def __init__(self, database: FakeDatabase) -> None:
        self.database = database
        self.finds = 0

    async def add(self, user: int, new: NewToken) -> Token:
        self.database.check()
        token = self.database.add_token(user, new)
        live = self.database.live_tokens(user)
        live.sort(key=lambda row: (row.token.last_used_at or row.token.created_at, row.token.id))
        for row in live[:-MAX_TOKENS]:
            row.revoked_at = datetime.now(UTC)
        return token

    async def renew(self, user: int, new: NewToken) -> Token:
        self.database.check()
        self.database.drop_tokens(user, only_registered=True)
        return self.database.add_token(user, new, registered=True)

    async def find(self, token_hash: bytes) -> Token | None:
        self.finds += 1
        self.database.check()
        live = [row for row in self.database.tokens.values() if row.live and self.database.shown(row.token.user)]
        rows = (row for row in live if row.token.hash == token_hash)
        return next((row.token for row in rows), None)

    async def of(self, user: int) -> Sequence[Token]:
        self.database.check()
        return [row.token for row in self.database.live_tokens(user)]

    async def revoke(self, user: int, ident: int) -> Token:
        self.database.check()
        for row in self.database.live_tokens(user):
            if row.token.id == ident:
                row.revoked_at = datetime.now(UTC)
                return row.token
        raise NotFound("token", ident)

    async def note_used(self, times: Mapping[int, datetime]) -> None:
        self.database.check()
        for ident, at in times.items():
            if (row := self.database.tokens.get(ident)) is None:
                continue
            before = row.token.last_used_at
            if before is None or before < at - timedelta(minutes=1):
                row.token = replace(row.token, last_used_at=at)

    async def sweep(self, limit: int) -> int:
        self.database.check()
        due = datetime.now(UTC) - timedelta(days=30)
        old = [ident for ident, row in self.database.tokens.items() if row.end <= due][:limit]
        for ident in old:
            del self.database.tokens[ident]
        return len(old)


class FakePasswords:
    """The ``PasswordStore`` of a fake database."""

    def __init__(self, database: FakeDatabase) -> None:
        self.database = database

    async def find(self, name_key: str) -> Login | None:
        self.database.check()
        user = self.database.names.get(name_key)
        return (
            None if user is None or user in self.database.suspended else Login(user, self.database.passwords.get(user))
        )

    async def get(self, user: int) -> str | None:
        self.database.check()
        return self.database.passwords.get(user)

    async def replace(self, user: int, known: str, password_hash: str) -> bool:
        self.database.check()
        if self.database.passwords.get(user) != known:
            return False
        self.database.passwords[user] = password_hash
        return True

    async def set(self, user: int, password_hash: str) -> None:
        self.database.check()
        self.database.require(user)
        self.database.passwords[user] = password_hash
