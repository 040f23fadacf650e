"""What a worker has after its start is not looked at again."""

import gc

import pytest

from microblog_streams.bootstrap import gc_tuning


@pytest.fixture(autouse=True)
def _thawed():
    yield
    gc.unfreeze()


def test_what_is_there_is_exempt():
    assert gc.get_freeze_count() == 0
    gc_tuning.freeze()
    assert gc.get_freeze_count() > 1_000
