"""Registering and logging in: what gives a token, what does not, and what a guesser cannot learn from trying."""

import asyncio
from dataclasses import replace

import pytest
from argon2 import PasswordHasher, Type, extract_parameters
from argon2.profiles import RFC_9106_LOW_MEMORY
from pydantic import SecretStr

from microblog_streams.domain.errors import Busy, Forbidden, Invalid, KeyReused, UsernameTaken, WrongLogin
from microblog_streams.domain.models import IdempotencyKey
from microblog_streams.operations.access import Passwords

PASSWORD, OTHER = SecretStr("correct horse"), SecretStr("battery staple")
ONCE = IdempotencyKey("0123456789abcdef", b"digest")


class Counting(PasswordHasher):
    """The real thing with the least work, which counts what it is asked for."""

    def __init__(self, time_cost=1):
        super().__init__(time_cost=time_cost, memory_cost=8, parallelism=1)
        self.hashes, self.verified = 0, []

    def hash(self, password, **options):
        self.hashes += 1
        return super().hash(password, **options)

    def verify(self, hash, password):
        self.verified.append(extract_parameters(hash))
        return super().verify(hash, password)


class Interrupted(Counting):
    """Does something else while it hashes."""

    def __init__(self, meanwhile, time_cost=1):
        super().__init__(time_cost)
        self._meanwhile = meanwhile

    def hash(self, password, **options):
        self._meanwhile()
        return super().hash(password, **options)


@pytest.fixture
def hasher():
    return Counting()


@pytest.fixture
def access(world, hasher):
    real = world.operations.access
    return replace(real, passwords=Passwords(real.passwords.store, hasher))


async def owner(world, secret):
    token = await world.operations.tokens.verify(secret.get_secret_value())
    return token and token.user


class TestRegistering:
    async def test_it_gives_a_token(self, access, world):
        registered = await access.register("ann", None)

        assert await owner(world, registered.token) == registered.user.id

    async def test_where_none_is_asked_for_it_gives_none(self, access, world):
        assert (await access.register("ann", PASSWORD, token=False)).token is None
        assert world.database.tokens == {}
        assert await access.log_in("ann", PASSWORD, "")

    async def test_a_name_that_is_taken_gives_nothing(self, access, world):
        await access.register("ann", None)

        with pytest.raises(UsernameTaken):
            await access.register("ann", PASSWORD)

        assert len(world.database.tokens) == 1
        assert world.database.passwords == {}

    @pytest.mark.parametrize("text", ["", "1234567", "x" * 201, "x" * 100_000, "12345678\ud800"])
    async def test_a_bad_password_registers_no_user(self, access, world, text):
        with pytest.raises(Invalid, match="password") as told:
            await access.register("ann", SecretStr(text))
        assert not text or text not in str(told.value)
        assert world.database.users == {}

    async def test_a_bad_name_costs_no_work(self, access, hasher):
        with pytest.raises(Invalid, match="username"):
            await access.register("a b", PASSWORD)
        assert hasher.hashes == 0

    async def test_the_password_itself_is_kept_nowhere(self, access, world):
        await access.register("ann", PASSWORD, ONCE)

        assert PASSWORD.get_secret_value() not in repr(world.database)
        assert all(kept.startswith("$argon2id$") for kept in world.database.passwords.values())

    async def test_a_repeated_call_gives_another_token_in_place_of_the_former(self, access, world):
        first = await access.register("ann", PASSWORD, ONCE)
        assert await owner(world, first.token)

        again = await access.register("ann", PASSWORD, ONCE)

        assert again.user == first.user
        assert await owner(world, first.token) is None
        assert await owner(world, again.token) == first.user.id

    async def test_a_repeated_call_with_another_password_gives_nothing(self, access, world):
        first = await access.register("ann", PASSWORD, ONCE)

        with pytest.raises(KeyReused):
            await access.register("ann", OTHER, ONCE)

        assert await owner(world, first.token)
        assert len(world.database.tokens) == 1


class TestLoggingIn:
    async def test_name_and_password_give_a_token(self, access, world):
        ann = (await access.register("ann", PASSWORD)).user

        issued = await access.log_in("ANN", PASSWORD, "phone")

        assert await owner(world, issued.secret) == ann.id
        assert issued.token.name == "phone"

    async def test_a_password_is_the_same_however_its_letters_are_put_together(self, access):
        await access.register("ann", SecretStr("caf\u00e9 au lait"))

        assert await access.log_in("ann", SecretStr("cafe\u0301 au lait"), "")

    @pytest.mark.parametrize("name", ["ann", "bob", "nobody", "not a name"])
    async def test_unknown_users_and_wrong_passwords_get_one_answer_after_the_same_work(self, access, hasher, name):
        await access.register("ann", PASSWORD)
        await access.register("bob", None)
        hashes = hasher.hashes

        with pytest.raises(WrongLogin) as told:
            await access.log_in(name, OTHER, "")

        assert str(told.value) == "The username or the password is wrong."
        assert hasher.hashes == hashes
        (work,) = hasher.verified
        assert (work.type, work.time_cost, work.memory_cost) == (Type.ID, 1, 8)
        assert (work.parallelism, work.salt_len, work.hash_len) == (1, 16, 32)

    @pytest.mark.parametrize("name", ["ann", "nobody"])
    @pytest.mark.parametrize("text", ["", "1234567", "x" * 201, "12345678\ud800"])
    async def test_an_impossible_password_is_a_wrong_one(self, access, hasher, name, text):
        await access.register("ann", PASSWORD)

        with pytest.raises(WrongLogin):
            await access.log_in(name, SecretStr(text), "")

        assert hasher.verified == []

    async def test_a_deleted_users_password_is_wrong(self, access, world):
        ann = (await access.register("ann", PASSWORD)).user
        await world.operations.users.delete(ann.id)

        with pytest.raises(WrongLogin):
            await access.log_in("ann", PASSWORD, "")

    async def test_a_hash_that_cannot_be_read_is_a_wrong_password(self, access, world):
        ann = (await access.register("ann", PASSWORD)).user
        world.database.passwords[ann.id] = "broken"

        with pytest.raises(WrongLogin):
            await access.log_in("ann", PASSWORD, "")

    async def test_a_hash_of_former_parameters_is_made_anew(self, access, world):
        ann = (await access.register("ann", PASSWORD)).user
        stronger = replace(access, passwords=Passwords(access.passwords.store, Counting(time_cost=2)))

        await stronger.log_in("ann", PASSWORD, "")

        assert "t=2" in world.database.passwords[ann.id]
        assert await stronger.log_in("ann", PASSWORD, "")

    async def test_a_password_that_is_changed_during_a_login_stays_changed(self, access, world):
        """The login had found the former hash, and would have written the former password again."""
        ann = (await access.register("ann", PASSWORD)).user

        hashing = Interrupted(lambda: world.database.passwords.update({ann.id: "of the new password"}), time_cost=2)
        stronger = replace(access, passwords=Passwords(access.passwords.store, hashing))
        await stronger.log_in("ann", PASSWORD, "")

        assert world.database.passwords[ann.id] == "of the new password"

    async def test_a_password_that_an_operator_resets_during_its_change_stays_reset(self, access, world):
        """Who knew the former one could undo the reset otherwise."""
        ann = (await access.register("ann", PASSWORD)).user

        hashing = Interrupted(lambda: world.database.passwords.update({ann.id: "of the reset"}))
        changing = replace(access, passwords=Passwords(access.passwords.store, hashing))
        with pytest.raises(Forbidden):
            await changing.set_password(ann.id, OTHER, PASSWORD)

        assert world.database.passwords[ann.id] == "of the reset"

    async def test_a_wrong_password_does_not_rehash(self, access, world):
        ann = (await access.register("ann", PASSWORD)).user
        stronger = replace(access, passwords=Passwords(access.passwords.store, Counting(time_cost=2)))

        with pytest.raises(WrongLogin):
            await stronger.log_in("ann", OTHER, "")

        assert "t=1" in world.database.passwords[ann.id]

    async def test_where_many_wait_the_next_one_is_turned_away(self, access, world, monkeypatch):
        await access.register("ann", PASSWORD)
        monkeypatch.setattr("microblog_streams.operations.access.MAX_WAITING_CALLS", 1)

        outcomes = await asyncio.gather(*(access.log_in("ann", PASSWORD, "") for _ in range(8)), return_exceptions=True)

        assert sum(isinstance(outcome, Busy) for outcome in outcomes) == 5
        assert await access.log_in("ann", PASSWORD, "")


async def test_by_default_hashes_are_what_rfc_9106_recommends(world):
    real = world.operations.access
    ann = (await real.register("ann", PASSWORD)).user

    assert extract_parameters(world.database.passwords[ann.id]) == RFC_9106_LOW_MEMORY
    assert await real.passwords.log_in("ann", PASSWORD) == ann.id
