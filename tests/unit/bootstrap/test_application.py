"""The heap is frozen when a worker has started."""

import gc

import pytest

from microblog_streams.bootstrap.application import freeze_heap


@pytest.fixture(autouse=True)
def _thawed():
    yield
    gc.unfreeze()


def test_objects_of_the_start_are_exempt_from_garbage_collection():
    assert gc.get_freeze_count() == 0
    freeze_heap()
    assert gc.get_freeze_count() > 1_000
