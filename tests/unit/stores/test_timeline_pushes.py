"""Pushes wait for their turn; one whose deadline passes meanwhile takes no turn from those behind it."""

import asyncio
import time
from types import SimpleNamespace

import pytest

from microblog_streams.domain.errors import NotMine, StoreUnavailable
from microblog_streams.domain.ids import ENTRY_BYTES, encode_entry, new_post_id
from microblog_streams.stores.redis import timelines as timelines_module
from microblog_streams.stores.redis.timelines import MAX_PUSH_CALLS, Timelines
from tests.support.fakes.lease import FakeLease
from tests.support.waiting import until

ENTRY = bytes(ENTRY_BYTES)


@pytest.fixture(autouse=True)
def _one_is_few(monkeypatch):
    monkeypatch.setattr(timelines_module, "FEW_TIMELINES", 1)


class Slow(Timelines):
    """Timelines whose calls end when the test says so."""

    def __init__(self):
        super().__init__(
            SimpleNamespace(
                name="redis",
                timeout=2.0,
                clustered=False,
                by_server=lambda calls: {"": calls},
                on_change=lambda told: None,
            )
        )
        self.calls = []
        self.answered = asyncio.Event()

    async def _push(self, calls, entry, deadline):
        self.calls += calls
        await self.answered.wait()
        return len(calls[0])


async def test_a_push_that_is_late_when_its_turn_comes_makes_no_call():
    timelines = Slow()
    first = [asyncio.create_task(timelines.push([user, user + 1], ENTRY)) for user in range(MAX_PUSH_CALLS)]
    await until(lambda: len(timelines.calls) == MAX_PUSH_CALLS)
    deadline = time.monotonic() + 0.05
    late = asyncio.create_task(timelines.push([90, 91], ENTRY, deadline))
    in_time = asyncio.create_task(timelines.push([92, 93], ENTRY, time.monotonic() + 60))

    await until(lambda: time.monotonic() > deadline)
    timelines.answered.set()

    with pytest.raises(StoreUnavailable, match="after its deadline"):
        await late
    assert await in_time == 2
    assert await asyncio.gather(*first) == [2] * MAX_PUSH_CALLS
    assert timelines.calls[MAX_PUSH_CALLS:] == [[b"timeline:92", b"timeline:93"]]


async def test_a_push_whose_lease_went_while_it_waited_makes_no_call():
    """Its deadline has not passed: the group gave the partition to another worker before that."""
    timelines = Slow()
    first = [asyncio.create_task(timelines.push([user, user + 1], ENTRY)) for user in range(MAX_PUSH_CALLS)]
    await until(lambda: len(timelines.calls) == MAX_PUSH_CALLS)
    lease = FakeLease()
    starved = asyncio.create_task(timelines.push([90, 91], ENTRY, lease.deadline, check=lease.check))
    held = asyncio.create_task(timelines.push([92, 93], ENTRY, lease.deadline, check=FakeLease().check))
    await asyncio.sleep(0)

    lease.looks = 0
    timelines.answered.set()

    with pytest.raises(NotMine):
        await starved
    assert await held == 2
    await asyncio.gather(*first)
    assert timelines.calls[MAX_PUSH_CALLS:] == [[b"timeline:92", b"timeline:93"]]


async def test_an_older_post_goes_first_unless_thousands_have_it():
    timelines = Slow()
    first = [asyncio.create_task(timelines.push([user, user + 1], ENTRY)) for user in range(MAX_PUSH_CALLS)]
    await until(lambda: len(timelines.calls) == MAX_PUSH_CALLS)
    older, younger, youngest = (encode_entry(new_post_id(), 1) for _ in range(3))
    waiting = [
        asyncio.create_task(timelines.push([90, 91], youngest)),
        asyncio.create_task(timelines.push([92, 93], older, low_priority=True)),
        asyncio.create_task(timelines.push([94, 95], younger)),
    ]
    await asyncio.sleep(0)

    timelines.answered.set()
    await asyncio.gather(*first, *waiting)
    assert [keys[0] for keys in timelines.calls[MAX_PUSH_CALLS:]] == [b"timeline:94", b"timeline:90", b"timeline:92"]
