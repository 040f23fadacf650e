"""The wait ends when all that was on its way at its beginning has been brought about, and does not wait for more."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from aiokafka import TopicPartition

from microblog_streams.domain.deployment import Deployment, Phase
from microblog_streams.domain.errors import Conflict, StoreUnavailable
from microblog_streams.domain.topics import SOURCES
from microblog_streams.kafka import consumer_lag
from microblog_streams.kafka.consumer_lag import CaughtUp
from tests.support.fakes.database import FakeDatabase
from tests.support.fakes.outbox import FakeOutbox
from tests.support.waiting import until

AT = datetime(2026, 5, 17, tzinfo=UTC)
PLACE = TopicPartition("post.created", 1)


class Group:
    """One group on topics with two partitions; ``there`` and ``done`` are offsets of one of them."""

    def __init__(self):
        self.there = self.done = 0
        self.asked = []
        self.looks = 0

    async def end_offsets(self, topics, partitions):
        self.asked.append((topics, partitions))
        return {PLACE: self.there}

    async def has_committed(self, group, ends):
        self.asked.append(group)
        self.looks += 1
        return self.done >= ends[PLACE]


class Outbox(FakeOutbox):
    """Counts how often it was asked for what is left."""

    asked = 0

    async def oldest(self):
        self.asked += 1
        return await super().oldest()


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(consumer_lag, "POLL_SECONDS", 0.001)
    monkeypatch.setattr(consumer_lag, "START_DELAY_SECONDS", 0.001)


@pytest.fixture
def group():
    return Group()


@pytest.fixture
def database():
    return FakeDatabase()


@pytest.fixture
def deployment():
    """What is deployed, in a list of one."""
    return [Deployment(generation=2, partitions=2)]


@pytest.fixture
def outbox(database):
    return Outbox(database)


@pytest.fixture
def losses():
    """What the workers have not found yet of what PostgreSQL has lost."""
    return []


@pytest.fixture
def caught(outbox, group, deployment, losses):
    async def deployed():
        return deployment[0]

    @asynccontextmanager
    async def connect():
        yield group

    async def compared(seen):
        assert seen == deployment[0]
        return not losses

    return CaughtUp(outbox, deployed, connect, compared)


@pytest.fixture
async def waiting(caught):
    """The wait, begun when it is called."""
    begun = []

    def begin():
        begun.append(asyncio.create_task(caught.wait_until_caught_up()))
        return begun[-1]

    yield begin
    for task in begun:
        task.cancel()


async def test_where_nothing_is_on_its_way_it_ends(caught, group):
    await caught.wait_until_caught_up()
    assert group.asked == [([f"{name}.g2" for name in SOURCES], 2), "microblog.g2"]


async def test_it_waits_for_what_is_in_the_log_and_for_nothing_that_comes_later(waiting, group):
    group.there = 5
    wait = waiting()
    await until(lambda: group.looks > 2)
    group.there = 9
    group.done = 4
    looks = group.looks
    await until(lambda: group.looks > looks + 2)
    assert not wait.done()
    group.done = 5
    await wait


async def test_it_waits_for_what_is_in_the_outbox_first(waiting, group, database, outbox):
    database.write_edge(1, 2, True, AT)
    wait = waiting()
    await until(lambda: outbox.asked > 2)
    assert (wait.done(), group.looks) == (False, 0)
    database.write_edge(1, 3, True, AT)
    await outbox.remove([1])
    await wait
    assert await outbox.count() == 1


async def test_it_waits_first_for_what_the_workers_have_to_find(waiting, outbox, losses):
    losses.append("an edge")
    wait = waiting()
    await asyncio.sleep(0.05)
    assert (wait.done(), outbox.asked) == (False, 0)
    losses.clear()
    await wait


async def test_it_takes_a_moment_at_least(caught, monkeypatch):
    monkeypatch.setattr(consumer_lag, "START_DELAY_SECONDS", 0.05)
    before = asyncio.get_running_loop().time()
    await caught.wait_until_caught_up()
    # The loop's clock ticks in milliseconds.
    assert asyncio.get_running_loop().time() - before >= 0.05 - 0.002


async def test_it_is_given_up_where_a_partition_stands_still(caught, group, monkeypatch):
    monkeypatch.setattr(consumer_lag, "TIMEOUT_SECONDS", 0.02)
    group.there = 1
    with pytest.raises(StoreUnavailable, match="not brought about within"):
        await caught.wait_until_caught_up()


async def test_while_partitions_are_grown_there_is_no_answer(caught, deployment):
    deployment[0] = Deployment(1, 2, 0, Phase.COPYING, 2, 4)
    with pytest.raises(Conflict, match="grow-partitions"):
        await caught.wait_until_caught_up()


async def test_a_database_that_is_away_is_said_so(caught, database):
    database.away = True
    with pytest.raises(StoreUnavailable, match="postgres"):
        await caught.wait_until_caught_up()
