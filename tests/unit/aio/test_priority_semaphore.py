"""Every waiter gets a turn: the lowest rank first, and every so often the longest waiter."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microblog_streams.aio import priority_semaphore as module
from microblog_streams.aio.priority_semaphore import PrioritySemaphore
from tests.support.examples import examples
from tests.support.waiting import DEADLINE_SECONDS, until


class Queue:
    """Takes turns of one; notes who had theirs, in which order."""

    def __init__(self, most=1):
        self.turns = PrioritySemaphore(most)
        self.had = []
        self.at_work = 0
        self.busiest = 0

    async def come(self, rank, work=None):
        async with self.turns.slot(rank):
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


async def test_every_so_often_the_longest_waiter_goes_first(queue, monkeypatch):
    monkeypatch.setattr(module, "FIFO_EVERY", 2)
    work, tasks = await queue.behind(b"e", b"d", b"c", b"b", b"a")
    work.set()
    await asyncio.gather(*tasks)
    assert queue.had == [b"first", b"a", b"e", b"b", b"d", b"c"]


async def test_no_more_at_a_time_than_may():
    queue = Queue(3)
    await asyncio.gather(*(queue.come(bytes([rank])) for rank in range(20)))
    assert queue.busiest == 3
    assert len(queue.had) == 20


async def test_a_cancelled_waiter_takes_no_turn(queue):
    work, tasks = await queue.behind(b"a", b"b", b"c")
    tasks[1].cancel()
    tasks[3].cancel()
    work.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert queue.had == [b"first", b"b"]
    await asyncio.wait_for(queue.come(b"later"), DEADLINE_SECONDS)


async def test_who_leaves_in_the_moment_of_its_turn_passes_it_on(queue):
    async with queue.turns.slot(b"first"):
        leaving, staying = (asyncio.create_task(queue.come(rank)) for rank in (b"a", b"b"))
        await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.wait_for(staying, DEADLINE_SECONDS)
    assert queue.had == [b"b"]


async def test_a_failure_ends_a_turn(queue):
    with pytest.raises(ValueError, match="bad"):
        async with queue.turns.slot(b"a"):
            raise ValueError("bad")
    await asyncio.wait_for(queue.come(b"b"), DEADLINE_SECONDS)


class Backlog:
    """A line that never empties: one comes, and one has its turn. Ranks are numbers from 0 to 255."""

    def __init__(self):
        self.turns = PrioritySemaphore(1)
        self.served = self.left = 0
        self.tasks = []
        self.ended, self.done = asyncio.Semaphore(0), asyncio.Semaphore(0)
        self.longest = 0.0

    @property
    def kept(self):
        """How much there is in all that the turns keep."""
        return sum(len(kept) for kept in vars(self.turns).values() if hasattr(kept, "__len__"))

    @property
    def waiting(self):
        return len(self.tasks) - self.served - self.left

    async def come(self, rank):
        ahead, served = self.waiting, self.served
        async with self.turns.slot(bytes([rank])):
            self.longest = max(self.longest, (self.served - served) / ahead if ahead else 0.0)
            await self.ended.acquire()
            self.served += 1
            self.done.release()

    async def one_comes(self, rank):
        self.tasks.append(asyncio.create_task(self.come(rank)))
        await asyncio.sleep(0)

    async def one_is_served(self):
        self.ended.release()
        await self.done.acquire()

    async def one_leaves(self, at):
        task = self.tasks[at % len(self.tasks)]
        self.left += task.cancel()
        await asyncio.sleep(0)

    async def end(self):
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


@settings(max_examples=examples(30), deadline=None)
@given(st.integers(1, 30), st.lists(st.integers(0, 255), min_size=100, max_size=400), st.sets(st.integers(0, 400)))
async def test_a_lasting_backlog_takes_bounded_memory_and_every_waiter_is_answered(many, ranks, leaving):
    """Also where all who come later rank before those who wait, and some leave: also in their turn."""
    backlog = Backlog()
    for number, rank in enumerate([255] * many + ranks):
        await backlog.one_comes(rank)
        if number in leaving:
            await backlog.one_leaves(number * 7)
        if backlog.waiting > many:
            await backlog.one_is_served()
        assert backlog.kept <= 3 * backlog.waiting + 3 * module.MAX_CANCELLED_RANKS
    assert backlog.longest <= module.FIFO_EVERY
    await backlog.end()


async def test_of_ten_thousand_turns_nothing_is_left_and_the_first_to_wait_was_served():
    backlog = Backlog()
    await backlog.one_comes(0)
    for _ in range(60):
        await backlog.one_comes(255)
    first = backlog.tasks[1]
    for turn in range(10_000):
        await backlog.one_comes(turn % 7)
        await backlog.one_is_served()
    assert first.done()
    assert backlog.kept < 1_000
    await backlog.end()
