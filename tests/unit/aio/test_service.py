"""A service ends though one of its tasks lost the cancellation."""

import asyncio

import pytest

from microblog_streams.aio.service import Service
from tests.support.waiting import DEADLINE_SECONDS


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
