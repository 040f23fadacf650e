"""with_timeout: an answer in time, or the reason why there is none."""

import asyncio
import gc
from functools import partial

import pytest

from microblog_streams.cluster_status.collector import Away, with_timeout
from microblog_streams.domain.errors import StoreUnavailable
from tests.support.waiting import DEADLINE_SECONDS


async def answer(value):
    return value


async def fail(error):
    raise error


async def test_an_answer_is_returned():
    assert await with_timeout(partial(answer, 7)) == 7


async def test_an_expected_error_becomes_the_reason():
    assert await with_timeout(partial(fail, StoreUnavailable("redis", "gone"))) == Away("redis is unavailable: gone")


async def test_an_unexpected_error_is_only_logged(caplog):
    told = await with_timeout(partial(fail, ValueError("secret")))

    assert told == Away("asking for it failed: see this worker's log")
    assert "ValueError: secret" in caplog.text


async def test_a_question_that_ignores_its_cancellation_is_abandoned():
    """Some libraries swallow a cancellation."""
    over = asyncio.Event()

    async def cling():
        while not over.is_set():
            try:
                await over.wait()
            except asyncio.CancelledError:
                continue
        raise ValueError("too late")

    told = await with_timeout(cling, seconds=0.05)
    over.set()

    assert told == Away("no answer within 0.05 s")


async def test_a_cancelled_caller_cancels_the_question():
    ended = asyncio.Event()

    async def wait():
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await with_timeout(wait)
    await asyncio.wait_for(ended.wait(), DEADLINE_SECONDS)


async def test_a_task_that_is_cancelled_before_its_first_step_leaves_no_coroutine_behind():
    """A coroutine that is never awaited is a RuntimeWarning, which pytest raises."""
    task = asyncio.create_task(with_timeout(partial(answer, 7)))
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    gc.collect()
