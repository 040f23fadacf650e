"""The front on stores in memory answers as /openapi.json says where calls need no token, as a real worker does."""

from tests.support.described.everything import call_everything


async def test_every_operation_answers_as_the_openapi_document_says(make_front, tmp_path):
    front = await make_front(names=(), auth="open")

    status, said = await call_everything(str(front.client.make_url("")).rstrip("/"), tmp_path)

    assert status == 0, said
