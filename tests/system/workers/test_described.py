"""A real worker on the real stores answers as /openapi.json says, whatever it is asked; tests/soak asks more."""

from tests.support.described.everything import call_everything


async def test_every_operation_answers_as_the_openapi_document_says(module_workers, eventually, tmp_path):
    worker = module_workers().start()
    eventually(worker.well, worker)

    status, said = await call_everything(worker.url, tmp_path, examples=4)

    assert status == 0, said
