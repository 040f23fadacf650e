"""Whatever comes is sent, also what comes in the moment in which the last sender ends."""

import asyncio

import pytest

from microblog_streams.aio.batcher import SenderPool
from tests.support.waiting import DEADLINE_SECONDS, until


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
