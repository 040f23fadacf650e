"""Tasks: a pipeline bounds its calls, calls in flight are awaited, and cancelled tasks and services end."""

import asyncio

import pytest

from microblog_streams.aio import tasks
from microblog_streams.aio.tasks import BoundedPipeline, InFlight, Service, cancel_all
from tests.support.waiting import DEADLINE_SECONDS, until


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


async def test_with_no_call_in_flight_it_returns_at_once():
    assert await InFlight().wait_ended()


async def test_it_waits_for_the_calls_that_were_in_flight_and_for_no_later_ones():
    in_flight = InFlight()
    with in_flight.call():
        waiting = asyncio.create_task(in_flight.wait_ended())
        await asyncio.sleep(0)
        later = in_flight.call()
        later.__enter__()
        assert not waiting.done()
    assert await waiting
    assert len(in_flight) == 1
    later.__exit__(None, None, None)
    assert len(in_flight) == 0


async def test_it_says_so_where_calls_outlast_the_time_out():
    in_flight = InFlight()
    with in_flight.call():
        assert not await in_flight.wait_ended(0.001)
    assert await in_flight.wait_ended(0.001)


async def test_a_call_that_fails_has_ended():
    in_flight = InFlight()
    try:
        with in_flight.call():
            raise ValueError("bad")
    except ValueError:
        pass
    assert len(in_flight) == 0


async def test_a_task_that_loses_cancellations_is_cancelled_until_it_ends(monkeypatch):
    monkeypatch.setattr(tasks, "RECANCEL_SECONDS", 0.01)
    lost = 0

    async def deaf():
        nonlocal lost
        while lost < 3:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                lost += 1

    task = asyncio.create_task(deaf())
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await cancel_all([task])
    assert (task.done(), lost) == (True, 3)


async def test_cancelling_tasks_ignores_how_they_ended():
    async def fails():
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError("on the way out")

    task, done = asyncio.create_task(fails()), asyncio.create_task(asyncio.sleep(0))
    await asyncio.sleep(0)
    await cancel_all([task, done])
    assert isinstance(task.exception(), ValueError)
    await cancel_all([])


class Deaf(Service):
    """Loses the first cancellation of its task, as a library would."""

    def __init__(self) -> None:
        super().__init__()
        self.cancelled = 0

    @Service.task
    async def _wait(self) -> None:
        while self.cancelled < 2:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.cancelled += 1


@pytest.fixture
async def deaf():
    async with Deaf() as service:
        await asyncio.sleep(0)
        yield service


async def test_a_task_that_lost_a_cancellation_is_cancelled_again(deaf):
    async with asyncio.timeout(DEADLINE_SECONDS):
        await deaf.stop()
    assert deaf.cancelled == 2
