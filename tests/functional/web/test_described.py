"""The API is what /openapi.json says: every call with good and bad data, and no answer that is not described."""

import pytest

from tests.described.everything import call_everything


@pytest.mark.parametrize("auth", ["required", "open"])
async def test_everything_that_is_described_is_answered_as_described(make_front, tmp_path, auth):
    front = await make_front(names=(), auth=auth)
    registered = await front.client.post("/users/", json={"username": "ann"})
    token = (await registered.json()).get("token")

    status, said = await call_everything(str(front.client.make_url("")).rstrip("/"), tmp_path, token)

    assert status == 0, said
