"""The real stores keep the promises of the interfaces, on PostgreSQL."""

from importlib.resources import files

from microblog_streams.domain.events import UserChanged
from microblog_streams.domain.models import ProfileChange
from microblog_streams.stores.postgres.profiles import Profiles
from microblog_streams.stores.postgres.users import DRAW_USER
from tests.support.contracts import blocks as blocking
from tests.support.contracts.access import (
    PasswordsContract,
    RegisteringWithCredentialsContract,
    SuspensionsContract,
    TokensContract,
)
from tests.support.contracts.blocks import BlocksContract
from tests.support.contracts.events import waiting
from tests.support.contracts.follows import FollowsContract, check_interleaving, interleavings
from tests.support.contracts.idempotency import IdempotencyContract
from tests.support.contracts.once import FollowingOnceContract, RegisteringOnceContract
from tests.support.contracts.outbox import OutboxContract
from tests.support.contracts.profiles import NOW, ProfilesContract
from tests.support.contracts.resolved_letters import ResolvedLettersContract
from tests.support.contracts.users import UsersContract

#: The migration that begins to count.
SCHEMA = files("microblog_streams.stores.postgres") / "schema" / "015_profiles.sql"


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


class TestProfiles(ProfilesContract):
    async def test_follows_of_one_user_do_not_wait_for_each_other(self, profiles, users, postgres):
        """A row that held the number would be locked until the first follow's commit."""
        famous, one, other = [(await users.create(name, name)).id for name in ("famous", "one", "other")]
        add = "INSERT INTO follows VALUES (%s, %s, true, 1, now())"

        async with postgres.transaction() as first, postgres.transaction() as second:
            await first.execute(add, one, famous)
            await second.execute(add, other, famous)

        assert await profiles.counts(famous) == (2, 0)

    async def test_a_sweep_tells_the_search_of_followers_that_went_over_a_step(self, postgres, users, follows, outbox):
        famous, other, *fans = [(await users.create(f"u{number}", f"u{number}")).id for number in range(42)]
        profiles = Profiles(postgres, announced=True)
        told = []

        async def sweep():
            before = len(await waiting(outbox))
            await profiles.sweep(1_000)
            told.append([_followers(record) for record in (await waiting(outbox))[before:]])

        for count in (1, 20, 21, 40):
            for fan in fans[:count]:
                await follows.set(fan, famous, True, NOW)
            await sweep()
        await profiles.change(other, ProfileChange("Other"), NOW)
        await users.delete(famous, NOW)
        await sweep()

        # 21 is no step beyond 20, and a deleted user has no event but that of the deletion
        assert told == [[(famous, 1)], [(famous, 20)], [], [(famous, 40)], []]

    async def test_edges_from_before_are_counted(self, profiles, users, follows, outsider):
        """The migration counts what is there, without deleted followees."""
        ada, bob, eve = [(await users.create(name, name)).id for name in ("ada", "bob", "eve")]
        for follower, followee in ((ada, bob), (ada, eve), (bob, ada)):
            await follows.set(follower, followee, True, NOW)
        await users.delete(eve, NOW)
        outsider("TRUNCATE follow_counts, follow_count_changes, counted_deleted_users")
        counting = SCHEMA.read_text().rpartition("INSERT INTO follow_counts")

        outsider(counting[1] + counting[2])

        assert [await profiles.counts(user) for user in (ada, bob)] == [(1, 1), (1, 1)]


def _followers(record):
    event = UserChanged.model_validate_json(record.value)
    return event.user_id, event.followers


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


class TestSuspensions(SuspensionsContract):
    pass


class TestRegisteringWithCredentials(RegisteringWithCredentialsContract):
    pass


class TestPasswords(PasswordsContract):
    pass


class TestResolvedLetters(ResolvedLettersContract):
    pass
