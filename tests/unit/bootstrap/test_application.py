"""The heap is frozen when a worker has started."""

import gc

from microblog_streams.bootstrap.application import freeze_heap


def test_objects_of_the_start_are_exempt_from_garbage_collection():
    made_at_the_start = [object()]
    assert any(each is made_at_the_start for each in gc.get_objects())
    freeze_heap()
    assert not any(each is made_at_the_start for each in gc.get_objects())
