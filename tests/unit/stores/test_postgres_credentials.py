"""Transactions lock a user's row before the user's tokens, as a deletion of the user does: else the two deadlock."""

from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from microblog_streams.domain.models import NewToken
from microblog_streams.stores.postgres.credentials import Tokens

ANN = 7
NOW = datetime(2026, 5, 17, tzinfo=UTC)


class FakeSession:
    """Notes the statements; the user is there."""

    def __init__(self):
        self.statements: list[str] = []

    async def execute(self, statement, *params):
        self.statements.append(statement)
        return 1

    async def fetch_one(self, statement, *params):
        self.statements.append(statement)
        return 1, ANN, b"hash", "phone", NOW, None, NOW

    @asynccontextmanager
    async def transaction(self):
        yield self


@pytest.mark.parametrize("method", ["add", "renew"])
async def test_a_token_is_added_under_its_users_lock_before_others_are_touched(method):
    session = FakeSession()

    await getattr(Tokens(session), method)(ANN, NewToken(b"hash", "phone", timedelta(days=1)))

    first, *others = session.statements
    assert "FROM users" in first
    assert "FOR SHARE" in first
    assert others
