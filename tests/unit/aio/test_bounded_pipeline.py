"""Working ahead: so many calls at a time, in order, and none that outlives the whole."""

import asyncio

import pytest

from microblog_streams.aio.tasks import BoundedPipeline
from tests.support.waiting import until


class Calls:
    """Calls that end when they are told to; ``log`` says what happened."""

    def __init__(self):
        self.log = []
        self.ends = {}

    async def call(self, name):
        self.log.append(f"{name} begins")
        self.ends[name] = asyncio.get_running_loop().create_future()
        try:
            await self.ends[name]
        finally:
            self.log.append(f"{name} ends")

    def end(self, name, error=None):
        if error:
            self.ends[name].set_exception(error)
        else:
            self.ends[name].set_result(None)


async def work(calls, names="abc"):
    async with BoundedPipeline(2) as ahead:
        for name in names:
            await ahead.start(calls.call(name))


@pytest.fixture
def calls():
    return Calls()


@pytest.fixture
async def working(calls):
    """Work whose first two calls are under way."""
    task = asyncio.create_task(work(calls))
    await until(lambda: set(calls.ends) == {"a", "b"})
    return task


async def test_no_more_are_under_way_than_may_be(calls, working):
    calls.end("a")
    await until(lambda: "c" in calls.ends)
    assert calls.log == ["a begins", "b begins", "a ends", "c begins"]
    calls.end("b")
    calls.end("c")
    await working


async def test_its_end_waits_for_all(calls, working):
    calls.end("a")
    await until(lambda: "c" in calls.ends)
    calls.end("c")
    await until(lambda: "c ends" in calls.log)
    assert not working.done()
    calls.end("b")
    await working


async def test_a_failure_begins_nothing_more_and_is_raised_once_all_have_ended(calls, working):
    calls.end("a", OSError("gone"))
    await until(lambda: "a ends" in calls.log)
    assert not working.done()
    calls.end("b")
    with pytest.raises(OSError, match="gone"):
        await working
    assert "c" not in calls.ends


async def test_a_failure_of_the_last_is_raised_too(calls):
    task = asyncio.create_task(work(calls, "a"))
    await until(lambda: "a" in calls.ends)
    calls.end("a", OSError("gone"))
    with pytest.raises(OSError, match="gone"):
        await task


async def test_a_cancellation_ends_all(calls, working):
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert sorted(calls.log) == ["a begins", "a ends", "b begins", "b ends"]


async def test_an_error_of_the_work_itself_waits_for_what_it_began(calls):
    async def failing():
        async with BoundedPipeline(2) as ahead:
            await ahead.start(calls.call("a"))
            raise ValueError("mine")

    task = asyncio.create_task(failing())
    await until(lambda: "a" in calls.ends)
    assert not task.done()
    calls.end("a", OSError("gone"))
    with pytest.raises(ValueError, match="mine"):
        await task
