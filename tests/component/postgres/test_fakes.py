"""The fakes keep the promises that the real stores keep."""

import pytest

from microblog_streams.domain.errors import StoreUnavailable
from tests.support.contracts import blocks as blocking
from tests.support.contracts.access import (
    PasswordsContract,
    RegisteringWithCredentialsContract,
    SuspensionsContract,
    TokensContract,
)
from tests.support.contracts.blocks import BlocksContract
from tests.support.contracts.follows import FollowsContract, check_interleaving, interleavings
from tests.support.contracts.idempotency import IdempotencyContract
from tests.support.contracts.once import FollowingOnceContract, RegisteringOnceContract
from tests.support.contracts.outbox import OutboxContract
from tests.support.contracts.profiles import ProfilesContract
from tests.support.contracts.resolved_letters import ResolvedLettersContract
from tests.support.contracts.users import UsersContract


class TestFakeUsers(UsersContract):
    pass


class TestFakeProfiles(ProfilesContract):
    pass


class TestFakeFollows(FollowsContract):
    @interleavings
    async def test_an_edges_last_event_has_its_state(self, users, follows, outbox, changes, deleted):
        await check_interleaving(users, follows, outbox, changes, deleted)


class TestFakeBlocks(BlocksContract):
    @blocking.interleavings
    async def test_no_follow_crosses_a_block(self, users, follows, blocks, outbox, acts, deleted):
        await blocking.check_interleaving(users, follows, blocks, outbox, acts, deleted)


class TestFakeOutbox(OutboxContract):
    pass


class TestFakeIdempotency(IdempotencyContract):
    pass


class TestFakeRegisteringOnce(RegisteringOnceContract):
    pass


class TestFakeFollowingOnce(FollowingOnceContract):
    pass


class TestFakeTokens(TokensContract):
    pass


class TestFakeSuspensions(SuspensionsContract):
    pass


class TestFakeRegisteringWithCredentials(RegisteringWithCredentialsContract):
    pass


class TestFakePasswords(PasswordsContract):
    pass


class TestFakeResolvedLetters(ResolvedLettersContract):
    pass


async def test_a_database_that_is_away_says_so(database, users, outbox):
    database.away = True

    with pytest.raises(StoreUnavailable):
        await users.create("ada", "ada")
    with pytest.raises(StoreUnavailable):
        await outbox.head(1)
