"""Guessing tokens is limited, and does not lock out users with valid tokens."""

import pytest

from tests.component.web.fake_authentication import PROXY, authenticated, of
from web.middlewares import rate_limits

__all__ = ["authenticated"]


def guess(number):
    return {"Authorization": f"Bearer guess-{number}"}


@pytest.fixture
async def client(make_front, authenticated):
    """A client of an API that takes three bad tokens of an address in a month."""
    return (await make_front(limit_signing_in="3/month", **PROXY)).client


async def test_after_too_many_bad_tokens_no_more_are_looked_at(client, authenticated, problem):
    statuses = [(await client.get("/users/", headers=guess(number))).status for number in range(5)]
    refused = await client.get("/users/", headers=of(1))

    assert statuses == [401, 401, 401, 429, 429]
    assert authenticated == ["guess-0", "guess-1", "guess-2"]
    await problem(refused, 429, "too-many-requests")
    assert refused.headers["RateLimit"].startswith('"signing-in";r=0;t=')
    assert int(refused.headers["Retry-After"]) >= 1


async def test_another_address_is_listened_to(client):
    for number in range(5):
        await client.get("/users/", headers=guess(number))

    elsewhere = {"X-Forwarded-For": "198.51.100.1"}
    assert (await client.get("/users/", headers={**of(1), **elsewhere})).status == 200
    assert (await client.get("/users/", headers={**guess(0), **elsewhere})).status == 401


async def test_who_was_let_in_before_goes_on_beside_those_who_guess(client):
    await client.get("/users/", headers=of(1))
    for number in range(5):
        await client.get("/users/", headers=guess(number))

    assert (await client.get("/users/", headers=of(1))).status == 200
    assert (await client.get("/users/", headers=of(2))).status == 429


async def test_who_sends_no_token_goes_on(client):
    for number in range(5):
        await client.get("/users/", headers=guess(number))

    assert (await client.get("/users/")).status == 200


async def test_good_tokens_and_other_errors_count_for_nothing(client):
    for _ in range(10):
        assert (await client.get("/users/99", headers=of(1))).status == 404
        assert (await client.put("/users/", headers=of(1))).status == 405

    assert (await client.get("/users/", headers=guess(0))).status == 401


async def test_wrong_passwords_beside_a_good_token_are_no_guesses_of_tokens(client):
    """They have a limit of their own."""
    wrong = {"username": "ann", "password": "wrong horse"}
    statuses = [(await client.post("/tokens/", json=wrong, headers=of(1))).status for _ in range(4)]

    assert statuses == [401, 401, 401, 429]
    assert (await client.get("/users/", headers=of(1))).status == 200
    assert (await client.get("/users/", headers=of(2))).status == 200


async def test_counts_of_other_workers_apply_from_the_first_guess_on(make_front, authenticated):
    one, other = await make_front(limit_signing_in="3/month"), await make_front(limit_signing_in="3/month")
    other.app.rate_limiter = one.app.rate_limiter
    for number in range(3):
        await one.client.get("/users/", headers=guess(number))

    statuses = [(await other.client.get("/users/", headers=guess(number))).status for number in range(2)]

    assert statuses == [429, 429]
    assert len(authenticated) == 4


async def test_an_address_is_listened_to_again_when_its_time_is_up(client, monkeypatch):
    for number in range(4):
        await client.get("/users/", headers=guess(number))
    now = rate_limits.monotonic()
    monkeypatch.setattr(rate_limits, "monotonic", lambda: now + 2_592_000)

    assert (await client.get("/users/", headers=of(1))).status == 200


async def test_without_a_limit_guesses_are_only_wrong(make_front, authenticated):
    client = (await make_front()).client

    assert {(await client.get("/users/", headers=guess(number))).status for number in range(20)} == {401}
