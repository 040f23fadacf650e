"""All who wait for an entry are looked after by one call a look, and each is told when their own is there."""

import asyncio
from types import SimpleNamespace

from benchmarks.watch import watch
from microblog_streams.stores.redis.timelines import key
from tests.support.waiting import DEADLINE_SECONDS, until


class Timelines:
    """Answers a look from what is on the timelines; counts the looks."""

    def __init__(self):
        self.there, self.looks, self.asked = set(), 0, 0

    async def eval_ro(self, script, count, *arguments):
        self.looks += 1
        self.asked = count
        pairs = zip(arguments[:count], arguments[count:], strict=True)
        return [place for place, pair in enumerate(pairs, 1) if pair in self.there]


async def test_two_entries_of_one_person_are_waited_for_by_one_call_a_look():
    timelines = Timelines()
    async with watch(SimpleNamespace(client=timelines)) as watching, asyncio.timeout(DEADLINE_SECONDS):
        first = asyncio.create_task(watching.until_there(7, b"first"))
        second = asyncio.create_task(watching.until_there(7, b"second"))
        await until(lambda: timelines.asked == 2)

        timelines.there.add((key(7), b"second"))
        await second
        assert not first.done()

        timelines.there.add((key(7), b"first"))
        await first


async def test_no_poll_runs_without_a_waiter(monkeypatch):
    monkeypatch.setattr("benchmarks.watch._LOOK", 0)
    timelines = Timelines()
    timelines.there = {(key(7), b"first")}
    async with watch(SimpleNamespace(client=timelines)) as watching, asyncio.timeout(DEADLINE_SECONDS):
        await watching.until_there(7, b"first")
        for _ in range(10):
            await asyncio.sleep(0)

        assert timelines.looks == 1
