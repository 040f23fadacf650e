"""Idempotency-Keys in PostgreSQL, as far as no fake can show it: who waits for whom, and what there is to read."""

import asyncio

import pytest

from microblog_streams.domain.ids import new_post_id
from microblog_streams.domain.models import NO_CREDENTIALS, IdempotencyKey
from microblog_streams.stores.postgres.idempotency import claim
from microblog_streams.stores.postgres.users import HOLD_DAYS, register_once
from tests.support.waiting import until

ONCE = IdempotencyKey("8e03978e-40d5-43dd-bc93-6894a57f9324", b"digest")
WAITING = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


async def test_a_registrations_key_cannot_be_read(users, outsider):
    user, _ = await users.create_once("ada", "ada", ONCE)

    ((author, key, user_id, done),) = outsider("SELECT author, key, user_id, done FROM idempotency")

    assert (author, user_id, done) == (0, user.id, True)
    assert ONCE.key not in key


async def test_the_second_of_two_waits_for_the_first(users, postgres, outsider):
    async with postgres.transaction() as session:
        first, _ = await register_once(session, "ada", "ada", ONCE, NO_CREDENTIALS, HOLD_DAYS)
        second = asyncio.create_task(users.create_once("ada", "ada", ONCE))
        await until(lambda: outsider(WAITING))

    assert await second == (first, False)


async def test_a_registration_that_dies_midway_leaves_neither_user_nor_key(users, postgres, outsider):
    with pytest.raises(LookupError):
        async with postgres.transaction() as session:
            await register_once(session, "ada", "ada", ONCE, NO_CREDENTIALS, HOLD_DAYS)
            second = asyncio.create_task(users.create_once("ada", "ada", ONCE))
            await until(lambda: outsider(WAITING))
            raise LookupError

    user, new = await second
    assert new
    assert await users.page(0, 10) == [user]


async def test_the_sweep_skips_a_key_that_is_being_renewed(idempotency, postgres, a_day_passes):
    await idempotency.claim(1, ONCE, new_post_id())
    await a_day_passes()
    post = new_post_id()

    async with postgres.transaction() as session:
        assert await claim(session, 1, ONCE, post) is None
        assert await idempotency.sweep(10) == 0

    assert await idempotency.sweep(10) == 0
    assert (await idempotency.claim(1, ONCE, new_post_id())).post_id == post


async def test_rows_of_workers_of_the_version_before_count_too(idempotency, outsider):
    post = new_post_id()
    outsider(
        "INSERT INTO idempotency (author, key, digest, post_id) VALUES (1, %s, %s, %s)",
        ONCE.key, ONCE.digest, str(post),
    )  # fmt: skip

    assert (await idempotency.claim(1, ONCE, new_post_id())).post_id == post
