"""What every TokenStore and PasswordStore does, real or in memory. ``days_pass`` makes every token so much older."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from microblog_streams.domain.errors import NotFound, UsernameTaken
from microblog_streams.domain.models import Credentials, IdempotencyKey, Login, NewToken
from microblog_streams.stores.postgres.credentials import MAX_TOKENS
from tests.support.contracts.events import register

NOW = datetime(2026, 5, 17, 12, 30, 0, 123456, tzinfo=UTC)
YEAR = timedelta(days=365)
ONCE = IdempotencyKey("key", b"digest")


def token(number, name="laptop", life=YEAR):
    return NewToken(bytes([number]) * 32, name, life)


class TokensContract:
    async def test_a_token_is_found_by_its_hash(self, users, tokens):
        (ada,) = await register(users, 1)

        kept = await tokens.add(ada, token(1))

        assert await tokens.find(token(1).hash) == kept
        assert (kept.user, kept.hash, kept.name, kept.last_used_at) == (ada, token(1).hash, "laptop", None)
        assert kept.expires_at - kept.created_at == YEAR
        assert kept.created_at.utcoffset() == timedelta(0)

    async def test_an_unknown_hash_belongs_to_no_user(self, users, tokens):
        (ada,) = await register(users, 1)
        await tokens.add(ada, token(1))

        assert await tokens.find(token(2).hash) is None

    async def test_an_unknown_user_gets_no_token(self, users, tokens):
        (ada,) = await register(users, 1)
        await users.delete(ada, NOW)

        with pytest.raises(NotFound):
            await tokens.add(ada, token(1))

    async def test_a_user_has_a_list_of_those_that_are_live(self, users, tokens):
        ada, bob = await register(users, 2)
        first, second = await tokens.add(ada, token(1)), await tokens.add(ada, token(2))
        revoked = await tokens.add(ada, token(3))
        await tokens.add(bob, token(4))
        await tokens.revoke(ada, revoked.id)

        assert await tokens.of(ada) == [first, second]

    async def test_a_revoked_token_belongs_to_no_user(self, users, tokens):
        (ada,) = await register(users, 1)
        kept = await tokens.add(ada, token(1))

        assert await tokens.revoke(ada, kept.id) == kept
        assert await tokens.find(kept.hash) is None
        with pytest.raises(NotFound):
            await tokens.revoke(ada, kept.id)

    async def test_a_user_cannot_revoke_anothers_token(self, users, tokens):
        ada, bob = await register(users, 2)
        kept = await tokens.add(ada, token(1))

        with pytest.raises(NotFound):
            await tokens.revoke(bob, kept.id)
        assert await tokens.find(kept.hash) == kept

    async def test_an_expired_token_belongs_to_no_user(self, users, tokens, days_pass):
        (ada,) = await register(users, 1)
        kept = await tokens.add(ada, token(1))
        await days_pass(365)

        assert await tokens.find(kept.hash) is None
        assert await tokens.of(ada) == []
        with pytest.raises(NotFound):
            await tokens.revoke(ada, kept.id)

    async def test_a_deleted_users_tokens_are_gone(self, users, tokens):
        ada, bob = await register(users, 2)
        await tokens.add(ada, token(1))
        kept = await tokens.add(bob, token(2))

        await users.delete(ada, NOW)

        assert await tokens.find(token(1).hash) is None
        assert await tokens.of(ada) == []
        assert await tokens.find(token(2).hash) == kept

    async def test_over_the_limit_the_least_recently_used_tokens_are_revoked(self, users, tokens):
        (ada,) = await register(users, 1)
        kept = [await tokens.add(ada, token(number)) for number in range(MAX_TOKENS)]
        await tokens.note_used({kept[0].id: datetime.now(UTC) + timedelta(hours=1)})

        last = await tokens.add(ada, token(MAX_TOKENS))

        assert [found.id for found in await tokens.of(ada)] == [kept[0].id, *(one.id for one in kept[2:]), last.id]

    async def test_a_tokens_last_use_is_recorded_at_most_once_a_minute(self, users, tokens):
        (ada,) = await register(users, 1)
        kept = await tokens.add(ada, token(1))
        at = datetime.now(UTC).replace(microsecond=0)

        await tokens.note_used({kept.id: at, kept.id + 7: at})
        assert await tokens.of(ada) == [replace(kept, last_used_at=at)]
        await tokens.note_used({kept.id: at + timedelta(seconds=60)})
        assert await tokens.of(ada) == [replace(kept, last_used_at=at)]
        await tokens.note_used({kept.id: at + timedelta(seconds=61)})
        assert await tokens.of(ada) == [replace(kept, last_used_at=at + timedelta(seconds=61))]

    async def test_without_uses_nothing_is_recorded(self, users, tokens):
        (ada,) = await register(users, 1)
        kept = await tokens.add(ada, token(1))

        await tokens.note_used({})

        assert await tokens.of(ada) == [kept]

    async def test_thirty_days_after_their_end_tokens_are_swept_in_bounded_batches(self, users, tokens, days_pass):
        (ada,) = await register(users, 1)
        for number in range(3):
            await tokens.revoke(ada, (await tokens.add(ada, token(number))).id)
        for number in range(3, 5):
            await tokens.add(ada, token(number, life=timedelta(days=1)))
        live = await tokens.add(ada, token(9))
        await days_pass(29)
        assert await tokens.sweep(10) == 0
        await days_pass(2)

        assert [await tokens.sweep(2) for _ in range(4)] == [2, 2, 1, 0]
        assert [found.id for found in await tokens.of(ada)] == [live.id]


class SuspensionsContract:
    async def test_a_suspended_user_is_not_found_and_has_no_valid_token_or_password(
        self, users, tokens, passwords, follows
    ):
        ada = await users.create("ada", "ada", Credentials("hash", token(1)))
        (bob,) = await register(users, 1)
        await follows.set(ada.id, bob, True, NOW)
        await follows.set(bob, ada.id, True, NOW)

        assert await users.suspend(ada.id, NOW)

        assert await users.get_many([ada.id]) == {}
        assert await users.named("ada") is None
        assert [user.id for user in await users.page(0, 10)] == [bob]
        assert await tokens.find(token(1).hash) is None
        assert await passwords.find("ada") is None
        assert await follows.followers_page(bob, 0, 10) == []
        assert await follows.followees_page(bob, 0, 10) == []

    async def test_a_restored_user_is_as_before(self, users, tokens, passwords, follows):
        ada = await users.create("ada", "ada", Credentials("hash", token(1)))
        (bob,) = await register(users, 1)
        await follows.set(ada.id, bob, True, NOW)
        await users.suspend(ada.id, NOW)
        await users.suspend(ada.id, NOW)

        assert await users.restore(ada.id)
        assert await users.restore(ada.id)

        assert await users.named("ada") == ada
        assert (await tokens.find(token(1).hash)).user == ada.id
        assert await passwords.find("ada") == Login(ada.id, "hash")
        assert [user.id for user in await follows.followers_page(bob, 0, 10)] == [ada.id]

    async def test_the_name_of_a_suspended_user_is_taken(self, users):
        ada = await users.create("ada", "ada")
        await users.suspend(ada.id, NOW)

        with pytest.raises(UsernameTaken):
            await users.create("ada", "ada")

    async def test_a_user_who_is_not_there_is_neither_suspended_nor_restored(self, users):
        assert not await users.suspend(17, NOW)
        assert not await users.restore(17)


class RegisteringWithCredentialsContract:
    async def test_a_registration_with_a_token_stores_it_at_once(self, users, tokens):
        ada = await users.create("ada", "ada", Credentials(token=token(1)))

        assert (await tokens.find(token(1).hash)).user == ada.id

    async def test_a_taken_name_gives_no_token_and_no_password(self, users, tokens, passwords):
        ada = await users.create("ada", "ada")
        outcomes = await asyncio.gather(
            users.create("Ada", "ada", Credentials("hash", token(1))), return_exceptions=True
        )

        assert [str(outcome) for outcome in outcomes] == ["The username 'Ada' is taken."]
        assert await tokens.find(token(1).hash) is None
        assert await passwords.get(ada.id) is None

    async def test_a_repeated_registration_leaves_credentials_as_they_are(self, users, tokens, passwords):
        ada, _ = await users.create_once("ada", "ada", ONCE, Credentials("hash", token(1)))

        assert await users.create_once("ada", "ada", ONCE, Credentials("other", token(2))) == (ada, False)

        assert [found.hash for found in await tokens.of(ada.id)] == [token(1).hash]
        assert await passwords.get(ada.id) == "hash"

    async def test_a_renewed_token_replaces_only_the_token_of_the_registration(self, users, tokens):
        ada = await users.create("ada", "ada", Credentials(token=token(1)))
        other = await tokens.add(ada.id, token(2))

        first = await tokens.renew(ada.id, token(3))
        assert await tokens.of(ada.id) == [other, first]
        second = await tokens.renew(ada.id, token(4))
        assert await tokens.of(ada.id) == [other, second]

    async def test_an_unknown_user_gets_no_renewed_token(self, users, tokens):
        (ada,) = await register(users, 1)
        await users.delete(ada, NOW)

        with pytest.raises(NotFound):
            await tokens.renew(ada, token(1))


class PasswordsContract:
    async def test_a_password_is_found_by_the_key_of_the_name(self, users, passwords):
        ada = await users.create("Ada", "ada", Credentials("hash"))
        bob = await users.create("bob", "bob")

        assert await passwords.find("ada") == Login(ada.id, "hash")
        assert await passwords.find("bob") == Login(bob.id, None)
        assert await passwords.find("eve") is None
        assert (await passwords.get(ada.id), await passwords.get(bob.id)) == ("hash", None)

    async def test_a_password_is_replaced_where_it_is_the_one_that_is_known(self, users, passwords):
        ada = await users.create("ada", "ada", Credentials("hash"))
        bob = await users.create("bob", "bob")

        assert await passwords.replace(ada.id, "hash", "new")
        assert not await passwords.replace(ada.id, "hash", "newer")
        assert not await passwords.replace(bob.id, "hash", "new")

        assert await passwords.find("ada") == Login(ada.id, "new")
        assert await passwords.find("bob") == Login(bob.id, None)

    async def test_a_password_is_set_whether_there_was_one_or_not(self, users, passwords):
        ada = await users.create("ada", "ada", Credentials("hash"))
        bob = await users.create("bob", "bob")

        await passwords.set(ada.id, "new")
        await passwords.set(bob.id, "first")

        assert await passwords.find("ada") == Login(ada.id, "new")
        assert await passwords.find("bob") == Login(bob.id, "first")

    async def test_a_deleted_user_gets_no_password(self, users, passwords):
        (ada,) = await register(users, 1)
        await users.delete(ada, NOW)

        with pytest.raises(NotFound):
            await passwords.set(ada, "new")

    async def test_a_deleted_users_password_is_gone_for_the_next_user_of_the_name_too(self, users, passwords):
        ada = await users.create("ada", "ada", Credentials("hash"))
        await users.delete(ada.id, NOW)
        second = await users.create("ada", "ada")

        assert await passwords.get(ada.id) is None
        assert await passwords.find("ada") == Login(second.id, None)
