"""Calls of about the same time share a request, and all of them are sent, also while the last sender ends."""

import asyncio

import pytest

from microblog_streams.aio.batcher import Batcher, SenderPool, set_outcome
from tests.support.waiting import DEADLINE_SECONDS, until


class Slow:
    """Answers a key with its negative, when it is told to."""

    def __init__(self):
        self.calls = []
        self.answering = asyncio.Semaphore(0)
        self.failing = False

    async def ask(self, keys):
        self.calls.append(list(keys))
        await self.answering.acquire()
        if self.failing:
            raise OSError("gone")
        return [-key for key in keys]


@pytest.fixture
def slow():
    return Slow()


@pytest.fixture
def gathering(slow):
    return Batcher(slow.ask)


async def started(*questions):
    """Start questions, and let them come as far as they can."""
    tasks = [asyncio.create_task(question) for question in questions]
    for _ in range(5):
        await asyncio.sleep(0)
    return tasks


async def test_a_question_goes_out_at_once(slow, gathering):
    await started(gathering([1]))
    assert slow.calls == [[1]]


async def test_what_is_asked_during_a_call_goes_into_the_next_one(slow, gathering):
    first = await started(gathering([1]))
    rest = await started(gathering([2, 3]), gathering([]), gathering([4]))
    assert slow.calls == [[1]]
    slow.answering.release()
    slow.answering.release()
    assert await asyncio.gather(*first, *rest) == [[-1], [-2, -3], [], [-4]]
    assert slow.calls == [[1], [2, 3, 4]]


async def test_a_failed_call_fails_those_in_it_and_no_others(slow, gathering):
    slow.failing = True
    first, second = await started(gathering([1]), gathering([2]))
    (third,) = await started(gathering([3]))
    slow.answering.release()
    with pytest.raises(OSError):
        await first
    with pytest.raises(OSError):
        await second
    slow.failing = False
    slow.answering.release()
    assert await third == [-3]


async def test_a_cancelled_caller_costs_others_no_answer(slow, gathering):
    leaving, staying = await started(gathering([1]), gathering([2]))
    leaving.cancel()
    slow.answering.release()
    assert await staying == [-2]
    assert leaving.cancelled()


async def test_questions_after_a_quiet_time_are_answered_too(slow, gathering):
    slow.answering.release()
    assert await gathering([1]) == [-1]
    slow.answering.release()
    assert await gathering([2]) == [-2]


async def test_an_outcome_is_a_result_or_an_exception_and_none_for_a_cancelled_future():
    loop = asyncio.get_running_loop()
    good, bad, cancelled = loop.create_future(), loop.create_future(), loop.create_future()
    cancelled.cancel()
    for future, outcome in ((good, 1), (bad, OSError("gone")), (cancelled, 2)):
        set_outcome(future, outcome)
    assert await good == 1
    with pytest.raises(OSError, match="gone"):
        await bad
    assert cancelled.cancelled()


class Queue:
    """Work that waits, and senders that do it."""

    def __init__(self, most):
        self.waiting = []
        self.sent = []
        self.free = asyncio.Event()
        self.free.set()
        self.senders = SenderPool(self.send, most)

    def put(self, work):
        done = asyncio.get_running_loop().create_future()
        self.waiting.append((work, done))
        self.senders.wake()
        return done

    async def send(self):
        while self.waiting:
            work, done = self.waiting.pop(0)
            self.sent.append(work)
            await self.free.wait()
            done.set_result(None)


async def test_no_more_send_at_a_time_than_may():
    queue = Queue(2)
    queue.free.clear()
    done = [queue.put(number) for number in range(4)]
    await until(lambda: queue.sent == [0, 1])
    queue.free.set()
    await asyncio.gather(*done)
    assert queue.sent == [0, 1, 2, 3]


@pytest.mark.parametrize("most", [1, 2])
async def test_who_comes_again_as_soon_as_it_was_served_is_served_again(most):
    queue = Queue(most)

    async def caller():
        for number in range(3):
            await queue.put(number)

    async with asyncio.timeout(DEADLINE_SECONDS):
        await asyncio.gather(*(caller() for _ in range(most)))
