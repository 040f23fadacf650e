"""What registering and following with an Idempotency-Key do, real or in memory: all at once, and once."""

import asyncio
from datetime import UTC, datetime

import pytest

from microblog_streams.domain.errors import KeyReused, NotFound, UsernameTaken
from microblog_streams.domain.models import IdempotencyKey
from tests.support.contracts.events import register, waiting

NOW = datetime(2026, 5, 17, 12, 30, 0, 123456, tzinfo=UTC)
ONCE, OTHER, AGAIN = (
    IdempotencyKey("key", b"\x00digest\xff"),
    IdempotencyKey("key", b"another"),
    IdempotencyKey("another key", b"\x00digest\xff"),
)


class RegisteringOnceContract:
    async def test_a_repeated_key_returns_the_same_user(self, users):
        ada, new = await users.create_once("Ada", "ada", ONCE)

        assert await users.create_once("Ada", "ada", ONCE) == (ada, False)
        assert new
        assert await users.page(0, 10) == [ada]

    async def test_only_a_new_user_is_announced_before_the_commit(self, users):
        told = []

        async def tell(ident):
            told.append(ident)

        ada, _ = await users.create_once("ada", "ada", ONCE, before_commit=tell)
        await users.create_once("ada", "ada", ONCE, before_commit=tell)
        assert told == [ada.id]

    async def test_with_another_key_the_name_is_taken(self, users):
        await users.create_once("ada", "ada", ONCE)

        with pytest.raises(UsernameTaken):
            await users.create_once("ada", "ada", AGAIN)

    async def test_a_key_with_another_request_is_refused(self, users):
        await users.create_once("ada", "ada", ONCE)

        with pytest.raises(KeyReused):
            await users.create_once("bob", "bob", OTHER)

        assert len(await users.page(0, 10)) == 1

    async def test_one_of_concurrent_requests_with_a_key_registers_and_all_get_the_user(self, users):
        outcomes = await asyncio.gather(*(users.create_once("ada", "ada", ONCE) for _ in range(8)))

        assert len({user for user, _ in outcomes}) == 1
        assert sorted(new for _, new in outcomes) == [False] * 7 + [True]

    async def test_a_taken_name_leaves_the_key_free(self, users):
        taken = await users.create("ada", "ada")
        with pytest.raises(UsernameTaken):
            await users.create_once("ada", "ada", ONCE)
        await users.delete(taken.id, NOW)

        _, new = await users.create_once("ada", "ada", ONCE)

        assert new

    async def test_a_user_who_was_deleted_since_is_not_registered_again(self, users):
        ada, _ = await users.create_once("ada", "ada", ONCE)
        await users.delete(ada.id, NOW)

        with pytest.raises(NotFound):
            await users.create_once("ada", "ada", ONCE)

        assert await users.page(0, 10) == []

    async def test_after_a_day_the_key_is_new_and_the_name_still_taken(self, users, a_day_passes):
        await users.create_once("ada", "ada", ONCE)
        await a_day_passes()

        with pytest.raises(UsernameTaken):
            await users.create_once("ada", "ada", ONCE)


class FollowingOnceContract:
    async def test_a_repeated_key_changes_nothing_after_later_changes(self, users, follows, outbox):
        ada, bob = await register(users, 2)
        await follows.set(ada, bob, True, NOW, ONCE)
        unfollowed = await follows.set(ada, bob, False, NOW)

        assert await follows.set(ada, bob, True, NOW, ONCE) == unfollowed
        assert len(await waiting(outbox)) == 2

    async def test_another_key_follows_again(self, users, follows):
        ada, bob = await register(users, 2)
        await follows.set(ada, bob, True, NOW, ONCE)
        await follows.set(ada, bob, False, NOW)

        assert (await follows.set(ada, bob, True, NOW, AGAIN)).following

    async def test_a_key_with_another_request_is_refused(self, users, follows):
        ada, bob, eve = await register(users, 3)
        await follows.set(ada, bob, True, NOW, ONCE)

        with pytest.raises(KeyReused):
            await follows.set(ada, eve, True, NOW, OTHER)

        assert await follows.followees(ada) == [bob]

    async def test_keys_belong_to_their_followers(self, users, follows):
        ada, bob, eve = await register(users, 3)

        await follows.set(ada, eve, True, NOW, ONCE)
        await follows.set(bob, eve, True, NOW, OTHER)

        assert [user.id for user in await follows.followers_page(eve, 0, 10)] == [ada, bob]

    async def test_an_unknown_user_leaves_the_key_free(self, users, follows):
        (ada,) = await register(users, 1)
        with pytest.raises(NotFound):
            await follows.set(ada, ada + 1, True, NOW, ONCE)
        (bob,) = await register(users, 1)

        assert (await follows.set(ada, bob, True, NOW, OTHER)).following

    async def test_one_of_concurrent_requests_with_a_key_follows(self, users, follows, outbox):
        ada, bob = await register(users, 2)

        edges = await asyncio.gather(*(follows.set(ada, bob, True, NOW, ONCE) for _ in range(8)))

        assert {edge.version for edge in edges} == {1}
        assert len(await waiting(outbox)) == 1
