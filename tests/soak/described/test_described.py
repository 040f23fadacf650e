"""Everything answers as /openapi.json says: a worker, and the front on stores in memory with tokens and without."""

import pytest

from tests.support.described.everything import call_everything


@pytest.mark.parametrize("auth", ["open", "required"])
async def test_every_operation_answers_as_the_openapi_document_says(make_front, tmp_path, auth):
    front = await make_front(names=(), auth=auth)
    registered = await front.client.post("/users/", json={"username": "ann"})
    token = (await registered.json())["token"] if auth == "required" else None

    status, said = await call_everything(str(front.client.make_url("")).rstrip("/"), tmp_path, token)

    assert status == 0, said


async def test_every_operation_of_a_worker_answers_as_the_openapi_document_says(module_workers, eventually, tmp_path):
    worker = module_workers().start()
    eventually(worker.well, worker)

    status, said = await call_everything(worker.url, tmp_path)

    assert status == 0, said
