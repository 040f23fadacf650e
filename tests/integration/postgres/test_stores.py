"""The real stores keep the promises of the interfaces, on PostgreSQL."""

from tests.contracts import blocks as blocking
from tests.contracts.access import PasswordsContract, RegisteringWithCredentialsContract, TokensContract
from tests.contracts.blocks import BlocksContract
from tests.contracts.follows import FollowsContract, check_interleaving, interleavings
from tests.contracts.idempotency import IdempotencyContract
from tests.contracts.once import FollowingOnceContract, RegisteringOnceContract
from tests.contracts.outbox import OutboxContract
from tests.contracts.settled_letters import SettledLettersContract
from tests.contracts.users import UsersContract


class TestUsers(UsersContract):
    pass


class TestFollows(FollowsContract):
    @interleavings
    async def test_the_last_event_of_an_edge_tells_its_state(self, users, follows, outbox, changes, deleted):
        await check_interleaving(users, follows, outbox, changes, deleted)


class TestBlocks(BlocksContract):
    @blocking.interleavings
    async def test_nobody_follows_across_a_block(self, users, follows, blocks, outbox, acts, deleted):
        await blocking.check_interleaving(users, follows, blocks, outbox, acts, deleted)


class TestOutbox(OutboxContract):
    pass


class TestIdempotency(IdempotencyContract):
    pass


class TestRegisteringOnce(RegisteringOnceContract):
    pass


class TestFollowingOnce(FollowingOnceContract):
    pass


class TestTokens(TokensContract):
    pass


class TestRegisteringWithCredentials(RegisteringWithCredentialsContract):
    pass


class TestPasswords(PasswordsContract):
    pass


class TestSettledLetters(SettledLettersContract):
    pass
