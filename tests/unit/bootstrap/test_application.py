"""What a worker has after its start is not looked at again."""

import gc

import pytest

from microblog_streams.bootstrap.application import freeze_heap


@pytest.fixture(autouse=True)
def _thawed():
    yield
    gc.unfreeze()


def test_what_is_there_is_exempt():
    assert gc.get_freeze_count() == 0
    freeze_heap()
    assert gc.get_freeze_count() > 1_000
