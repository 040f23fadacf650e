"""The API is what /openapi.json says: every call with good and bad data, and no answer that is not described."""

from tests.described.everything import call_everything


async def test_everything_that_is_described_is_answered_as_described(client, tmp_path):
    status, said = await call_everything(str(client.make_url("")).rstrip("/"), tmp_path)

    assert status == 0, said
