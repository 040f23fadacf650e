"""The real stores keep the promises of the interfaces, on PostgreSQL."""

from microblog_streams.stores.postgres.users import DRAW_USER
from tests.support.contracts import blocks as blocking
from tests.support.contracts.access import PasswordsContract, RegisteringWithCredentialsContract, TokensContract
from tests.support.contracts.blocks import BlocksContract
from tests.support.contracts.follows import FollowsContract, check_interleaving, interleavings
from tests.support.contracts.idempotency import IdempotencyContract
from tests.support.contracts.once import FollowingOnceContract, RegisteringOnceContract
from tests.support.contracts.outbox import OutboxContract
from tests.support.contracts.resolved_letters import ResolvedLettersContract
from tests.support.contracts.users import UsersContract


class TestUsers(UsersContract):
    async def test_users_from_before_and_after_a_new_era_are_sampled_alike(self, users, outsider):
        """An era leaves a gap of a million ids, into which a number up to the highest one falls nearly always."""
        before = (await users.create("before", "before")).id
        outsider("SELECT setval('users_id_seq', 1 << 20)")
        after = (await users.create("after", "after")).id
        assert {await users.draw() for _ in range(100)} == {before, after}

    async def test_sampling_reads_one_block_of_the_table(self, outsider):
        plan = outsider(f"EXPLAIN {DRAW_USER}")
        assert any("Tid Range Scan" in line for (line,) in plan), plan


class TestFollows(FollowsContract):
    @interleavings
    async def test_an_edges_last_event_has_its_state(self, users, follows, outbox, changes, deleted):
        await check_interleaving(users, follows, outbox, changes, deleted)


class TestBlocks(BlocksContract):
    @blocking.interleavings
    async def test_no_follow_crosses_a_block(self, users, follows, blocks, outbox, acts, deleted):
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


class TestResolvedLetters(ResolvedLettersContract):
    pass
