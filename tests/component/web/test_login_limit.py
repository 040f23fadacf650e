"""Rate limits of passwords and tokens, with the real authentication between the two middlewares."""

import pytest

from tests.component.web.fake_authentication import PROXY
from tests.component.web.registered_users import PASSWORD, bearer, register


@pytest.fixture
async def client(make_front):
    """A client of an API where ann has a password, that lets three tries of a name or an address through in a month."""
    front = await make_front(names=(), auth="required", limit_signing_in="3/month", **PROXY)
    return front.client


@pytest.fixture
async def ann(client):
    return await register(client, "ann", PASSWORD)


def try_password(client, name, password, address):
    body = {"username": name, "password": password, "name": "test"}
    return client.post("/tokens/", json=body, headers={"X-Forwarded-For": address})


async def test_passwords_of_one_person_are_not_tried_from_many_addresses(client, ann):
    statuses = [
        (await try_password(client, name, f"wrong password {n}", f"198.51.100.{n}")).status
        for n, name in enumerate(["ann", "ANN", "ann", "Ann", "ann"], start=1)
    ]
    right = await try_password(client, "ann", PASSWORD, "198.51.100.9")

    assert statuses == [401, 401, 401, 429, 429]
    assert right.status == 429


async def test_one_address_does_not_try_the_passwords_of_many(client, ann):
    statuses = [(await try_password(client, f"name{n}", PASSWORD, "198.51.100.1")).status for n in range(5)]

    assert statuses == [401, 401, 401, 429, 429]


async def test_whether_there_is_such_a_person_makes_no_difference(client, ann):
    answers = {
        name: [await try_password(client, name, "wrong password", f"198.51.{n}.{m}") for m in range(1, 6)]
        for n, name in enumerate(["ann", "nobody"])
    }

    assert [each.status for each in answers["ann"]] == [each.status for each in answers["nobody"]]
    assert [sorted(each.headers) for each in answers["ann"]] == [sorted(each.headers) for each in answers["nobody"]]


async def test_who_is_in_stays_in_while_others_try_their_password(client, ann):
    for n in range(1, 6):
        await try_password(client, "ann", "wrong password", f"198.51.100.{n}")

    assert (await client.get("/timelines/1", headers=ann)).status == 200


async def test_made_up_tokens_are_refused_unseen_after_some(client, ann):
    statuses = [(await client.get("/users/1", headers=bearer(f"made-up-{n}"))).status for n in range(5)]
    known = await client.get("/timelines/1", headers={**ann, "X-Forwarded-For": "198.51.100.1"})

    assert statuses == [401, 401, 401, 429, 429]
    assert known.status == 200
