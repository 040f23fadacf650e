"""Who waits for a turn gets one: the lowest rank first, and every so often whoever waits longest."""

import asyncio

import pytest

from microblog_streams.stores import turns as turns_module
from microblog_streams.stores.turns import Turns
from tests.waiting import DEADLINE_SECONDS, until


class Queue:
    """Takes turns of one; notes who had theirs, in which order."""

    def __init__(self, most=1):
        self.turns = Turns(most)
        self.had = []
        self.at_work = 0
        self.busiest = 0

    async def come(self, rank, work=None):
        async with self.turns.turn(rank):
            self.had.append(rank)
            self.at_work += 1
            self.busiest = max(self.busiest, self.at_work)
            await (work.wait() if work else asyncio.sleep(0))
            self.at_work -= 1

    async def behind(self, *ranks):
        """Let some come while the only turn is taken; return the tasks, the first of which ends at once."""
        work = asyncio.Event()
        tasks = [asyncio.create_task(self.come(b"first", work))]
        await until(lambda: self.had)
        for rank in ranks:
            tasks.append(asyncio.create_task(self.come(rank)))
            await asyncio.sleep(0)
        return work, tasks


@pytest.fixture
def queue():
    return Queue()


async def test_the_lowest_rank_goes_first(queue):
    work, tasks = await queue.behind(b"c", b"a", b"b")
    work.set()
    await asyncio.gather(*tasks)
    assert queue.had == [b"first", b"a", b"b", b"c"]


async def test_now_and_then_whoever_waits_longest(queue, monkeypatch):
    monkeypatch.setattr(turns_module, "FAIR", 2)
    work, tasks = await queue.behind(b"e", b"d", b"c", b"b", b"a")
    work.set()
    await asyncio.gather(*tasks)
    assert queue.had == [b"first", b"a", b"e", b"b", b"d", b"c"]


async def test_no_more_at_a_time_than_may():
    queue = Queue(3)
    await asyncio.gather(*(queue.come(bytes([rank])) for rank in range(20)))
    assert queue.busiest == 3
    assert len(queue.had) == 20


async def test_who_leaves_takes_nobody_s_turn(queue):
    work, tasks = await queue.behind(b"a", b"b", b"c")
    tasks[1].cancel()
    tasks[3].cancel()
    work.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert queue.had == [b"first", b"b"]
    await asyncio.wait_for(queue.come(b"later"), DEADLINE_SECONDS)


async def test_who_leaves_in_the_moment_of_its_turn_passes_it_on(queue):
    async with queue.turns.turn(b"first"):
        leaving, staying = (asyncio.create_task(queue.come(rank)) for rank in (b"a", b"b"))
        await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.wait_for(staying, DEADLINE_SECONDS)
    assert queue.had == [b"b"]


async def test_a_failure_ends_a_turn(queue):
    with pytest.raises(ValueError, match="bad"):
        async with queue.turns.turn(b"a"):
            raise ValueError("bad")
    await asyncio.wait_for(queue.come(b"b"), DEADLINE_SECONDS)
