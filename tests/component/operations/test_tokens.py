"""Tokens: looked up seldom, swept in time, and valid for their owner alone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import monotonic

import pytest

from microblog_streams.aio import ttl_cache
from microblog_streams.domain.errors import Invalid, NotFound, StoreUnavailable
from microblog_streams.operations import tokens


@pytest.fixture
async def ann(world):
    return (await world.people("ann"))[0]


@pytest.fixture
def passes(monkeypatch):
    """Lets seconds pass for what is remembered."""

    def let_pass(seconds):
        monkeypatch.setattr(ttl_cache, "monotonic", lambda: monotonic() + seconds)

    return let_pass


async def issue(world, user, name="laptop"):
    issued = await world.operations.tokens.issue(user, name)
    return issued.token, issued.secret.get_secret_value()


def away(world):
    world.database.away = True


async def test_a_token_is_its_owners(world, ann):
    token, secret = await issue(world, ann)

    assert await world.operations.tokens.verify(secret) == token
    assert token.user == ann


async def test_the_secret_itself_is_kept_nowhere(world, ann):
    _, secret = await issue(world, ann)

    assert secret not in repr(world.database)
    assert tokens.hashed(secret) in {row.token.hash for row in world.database.tokens.values()}


async def test_a_token_is_looked_up_once_in_thirty_seconds(world, ann, passes):
    _, secret = await issue(world, ann)
    for _ in range(3):
        await world.operations.tokens.verify(secret)
    assert world.operations.tokens.store.finds == 1

    passes(tokens.GOOD_SECONDS)
    await world.operations.tokens.verify(secret)

    assert world.operations.tokens.store.finds == 2


async def test_a_malformed_token_is_not_looked_up(world, ann):
    _, secret = await issue(world, ann)

    for text in (secret[:-1], secret + "x", secret[3:], "", "mb_"):
        assert await world.operations.tokens.verify(text) is None
    assert world.operations.tokens.store.finds == 0


async def test_a_made_up_token_is_looked_up_once_in_five_seconds(world, passes):
    foreign = tokens.new().get_secret_value()
    for _ in range(3):
        assert await world.operations.tokens.verify(foreign) is None
    assert world.operations.tokens.store.finds == 1

    passes(tokens.BAD_SECONDS)
    await world.operations.tokens.verify(foreign)

    assert world.operations.tokens.store.finds == 2


async def test_made_up_tokens_do_not_crowd_out_a_good_one(world, ann, monkeypatch):
    monkeypatch.setattr(tokens, "MAX_CACHED_TOKENS", 3)
    operations = world.worker()
    secret = (await operations.tokens.issue(ann, "")).secret.get_secret_value()
    await operations.tokens.verify(secret)

    for _ in range(10):
        await operations.tokens.verify(tokens.new().get_secret_value())
    away(world)

    assert await operations.tokens.verify(secret)
    assert len(operations.tokens.bad._entries) == 3


async def test_without_postgres_a_token_is_good_where_it_was_seen_and_unknown_elsewhere(world, ann):
    _, secret = await issue(world, ann)
    await world.operations.tokens.verify(secret)
    away(world)

    assert await world.operations.tokens.verify(secret)
    with pytest.raises(StoreUnavailable):
        await world.worker().tokens.verify(secret)


async def test_a_revoked_token_ends_here_at_once_and_elsewhere_in_thirty_seconds(world, ann, passes):
    token, secret = await issue(world, ann)
    other = world.worker().tokens
    assert await world.operations.tokens.verify(secret)
    assert await other.verify(secret)

    await world.operations.tokens.revoke(ann, token.id)

    assert await world.operations.tokens.verify(secret) is None
    passes(tokens.GOOD_SECONDS)
    assert await other.verify(secret) is None


@pytest.mark.parametrize("end", ["revoke", "renew", "delete"])
async def test_a_token_that_ends_while_it_is_looked_up_is_not_remembered_as_good(world, ann, meanwhile, end):
    """PostgreSQL answered that it is good, and the revocation was made, on this worker, before that arrived."""
    token, secret = await issue(world, ann)
    ends = {
        "revoke": lambda: world.operations.tokens.revoke(ann, token.id),
        "renew": lambda: world.operations.tokens.renew(ann, "phone"),
        "delete": lambda: world.operations.users.delete(ann),
    }
    meanwhile(world.operations.tokens.store, "find", ends[end])

    await world.operations.tokens.verify(secret)

    assert not world.operations.tokens.good._entries
    assert end == "renew" or await world.operations.tokens.verify(secret) is None


async def test_a_user_cannot_revoke_the_token_of_another(world, ann):
    (bob,) = await world.people("bob")
    token, secret = await issue(world, ann)

    with pytest.raises(NotFound):
        await world.operations.tokens.revoke(bob, token.id)

    assert await world.operations.tokens.verify(secret)


async def test_a_token_expires_also_where_it_was_just_seen(world, ann, monkeypatch):
    _, secret = await issue(world, ann)
    assert await world.operations.tokens.verify(secret)

    class Later(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(days=365)

    monkeypatch.setattr(tokens, "datetime", Later)

    assert await world.operations.tokens.verify(secret) is None


async def test_an_expired_token_is_none(world, ann):
    _, secret = await issue(world, ann)
    world.database.let_tokens_age(365)

    assert await world.operations.tokens.verify(secret) is None


async def test_a_deleted_users_token_is_none(world, ann):
    _, secret = await issue(world, ann)
    assert await world.operations.tokens.verify(secret)

    await world.operations.users.delete(ann)

    assert await world.operations.tokens.verify(secret) is None


async def test_a_store_that_answers_with_another_token_is_not_believed(world, ann, monkeypatch):
    token, secret = await issue(world, ann)

    async def find(_):
        return replace(token, hash=bytes(32))

    monkeypatch.setattr(world.operations.tokens.store, "find", find)

    assert await world.operations.tokens.verify(secret) is None


async def test_the_hash_is_compared_in_constant_time(world, ann, monkeypatch):
    _, secret = await issue(world, ann)
    compared = []
    monkeypatch.setattr(tokens, "compare_digest", lambda *hashes: compared.append(hashes) or True)

    await world.operations.tokens.verify(secret)

    assert compared == [(tokens.hashed(secret),) * 2]


@pytest.mark.parametrize("name", ["a\nb", "\x00", "\ud800", "x" * 101, "\u2028"])
async def test_a_bad_name_gives_no_token(world, ann, name):
    with pytest.raises(Invalid, match="name"):
        await world.operations.tokens.issue(ann, name)
    assert world.database.tokens == {}


class TestUses:
    async def test_uses_are_written_down_off_the_way_of_the_request(self, world, ann):
        token, secret = await issue(world, ann)
        begin = datetime.now(UTC)
        await world.operations.tokens.verify(secret)
        assert world.database.tokens[token.id].token.last_used_at is None

        await world.operations.tokens.note_used()

        assert world.database.tokens[token.id].token.last_used_at >= begin
        assert world.operations.tokens.used == {}

    async def test_uses_that_cannot_be_recorded_are_kept_for_the_next_time(self, world, ann):
        token, secret = await issue(world, ann)
        await world.operations.tokens.verify(secret)
        away(world)
        with pytest.raises(StoreUnavailable):
            await world.operations.tokens.note_used()

        world.database.away = False
        await world.operations.tokens.note_used()

        assert world.database.tokens[token.id].token.last_used_at

    async def test_a_use_while_the_one_before_is_written_down_is_not_lost(self, world, ann, meanwhile):
        token, secret = await issue(world, ann)
        await world.operations.tokens.verify(secret)
        meanwhile(world.operations.tokens.store, "note_used", lambda: world.operations.tokens.verify(secret))

        await world.operations.tokens.note_used()

        assert list(world.operations.tokens.used) == [token.id]

    async def test_many_uses_are_written_down_in_bounded_batches(self, world, ann, monkeypatch):
        monkeypatch.setattr(tokens, "BATCH_USES", 2)
        for number in range(5):
            await world.operations.tokens.verify((await issue(world, ann, str(number)))[1])

        await world.operations.tokens.note_used()

        assert all(row.token.last_used_at for row in world.database.tokens.values())
