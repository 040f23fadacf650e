"""The API is what /openapi.json says: every call with good and bad data, and no answer that is not described.

Here tokens are required. Real workers are called in the same way where calls need none: workers/test_described.py.
"""

from tests.support.described.everything import call_everything


async def test_every_operation_answers_as_the_openapi_document_says(make_front, tmp_path):
    front = await make_front(names=(), auth="required")
    registered = await front.client.post("/users/", json={"username": "ann"})
    token = (await registered.json())["token"]

    status, said = await call_everything(str(front.client.make_url("")).rstrip("/"), tmp_path, token)

    assert status == 0, said
