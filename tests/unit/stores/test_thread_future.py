"""An answer from a driver's thread reaches the task that waits, and is dropped where none does."""

import asyncio
from threading import Thread

import pytest

from microblog_streams.stores.cassandra.connection import ThreadFuture


def in_thread(call, *args):
    thread = Thread(target=call, args=args)
    thread.start()
    thread.join()


@pytest.fixture
def done():
    return []


async def test_an_answer_of_another_thread_is_awaited(done):
    future = ThreadFuture(lambda: done.append("done"))
    in_thread(future.answered, ["row"])
    assert await future.result == ["row"]
    assert done == ["done"]


async def test_an_error_of_another_thread_is_raised(done):
    future = ThreadFuture(lambda: done.append("done"))
    in_thread(future.failed, KeyError("lost"))
    with pytest.raises(KeyError, match="lost"):
        await future.result
    assert done == ["done"]


@pytest.mark.parametrize("outcome", ["answered", "failed"])
async def test_an_answer_after_the_caller_left_still_counts_as_done(done, outcome):
    future = ThreadFuture(lambda: done.append("done"))
    future.result.cancel()
    in_thread(getattr(future, outcome), OSError("too late"))
    await asyncio.sleep(0)
    assert done == ["done"]
    assert future.result.cancelled()


@pytest.mark.parametrize("second", [("answered", ["late"]), ("failed", OSError("late"))])
async def test_only_the_first_answer_counts(done, second):
    """Else the place of one request is given to two others, and what bounds them grows with each."""
    future = ThreadFuture(lambda: done.append("done"))
    name, outcome = second
    in_thread(future.answered, ["row"])
    in_thread(getattr(future, name), outcome)
    assert await future.result == ["row"]
    await asyncio.sleep(0)
    assert done == ["done"]


def test_an_answer_after_the_loop_closed_is_dropped(done):
    async def make():
        return ThreadFuture(lambda: done.append("done"))

    future = asyncio.run(make())
    future.answered(["row"])
    future.failed(OSError("too late"))
    assert done == []
