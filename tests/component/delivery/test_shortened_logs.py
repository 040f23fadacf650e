"""Where Kafka has lost the last records of a partition, the new ones get their offsets, and are processed."""

import asyncio
from types import SimpleNamespace

import pytest
from aiokafka.errors import CommitFailedError, NoError, OffsetOutOfRangeError
from aiokafka.protocol.fetch import FetchRequest
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from faust.types import TP

from microblog_streams.delivery.faust_patches.consumer import PatchedConsumerThread
from tests.component.delivery.reading_world import CHANGELOG, RECORDS, SOURCE
from tests.support.waiting import until

COMMITTED = 100


@pytest.fixture
async def shortened(reading):
    """Makes a consumer that has committed more than the log has left, and stands there."""

    async def make(kind, committed=COMMITTED, read=COMMITTED):
        world = reading(kind)
        world.consumer._committed_offset = {} if committed is None else {TP(*SOURCE): committed}
        world.consumer._read_offset = {TP(*SOURCE): read}
        world.committed, world.joins = [], []
        world.aiokafka.commit = lambda offsets: asyncio.sleep(0, world.committed.append(offsets))
        world.aiokafka._coordinator.request_rejoin = lambda: world.joins.append("asked")
        world.thread.tp_last_committed_at = {}
        world.fetcher.seek_to(SOURCE, read)
        return world

    return make


def shrunk(world):
    """Answer fetches as a broker whose log ends before what is asked for, and begins at 0."""

    async def send(node, request):
        if not isinstance(request, FetchRequest):
            return SimpleNamespace(API_VERSION=1, topics=[("events", [(0, NoError.errno, -1, 0)])])
        if world.position(SOURCE) == 0:
            await asyncio.get_running_loop().create_future()
        out_of_range = (0, OffsetOutOfRangeError.errno, -1, -1, [], b"")
        return SimpleNamespace(API_VERSION=4, topics=[("events", [out_of_range])])

    return send


async def test_aiokafka_goes_on_at_the_log_s_beginning(shortened):
    """Its own doing, by which the loss is noticed."""
    world = await shortened(PatchedConsumerThread)
    world.client.send = shrunk(world)
    world.leaders[SOURCE] = 0
    await until(lambda: world.position(SOURCE) == 0)


async def fetched(world):
    """Read the records at the log's beginning."""
    world.fetcher.seek_to(SOURCE, 0)
    world.arrive(SOURCE)
    return await world.read()


@pytest.mark.parametrize(("committed", "read"), [(COMMITTED, COMMITTED), (COMMITTED, 120), (None, 50)])
async def test_the_partition_is_read_again_from_its_beginning_in_the_next_generation(shortened, committed, read):
    world = await shortened(PatchedConsumerThread, committed, read)
    assert await fetched(world) == {}
    assert [{tp: told.offset for tp, told in offsets.items()} for offsets in world.committed] == [{SOURCE: 0}]
    await until(lambda: world.joins == ["asked"])
    assert world.thread.rejoins == 1


async def test_a_late_commit_does_not_undo_that(shortened):
    world = await shortened(PatchedConsumerThread)
    await fetched(world)
    assert await world.thread.commit({TP(*SOURCE): COMMITTED}) is False
    assert len(world.committed) == 1
    await world.thread.seek_to_committed()
    assert await world.thread.commit({TP(*SOURCE): 1}) is True


async def test_where_the_commit_is_refused_the_next_generation_tries_again(shortened):
    world = await shortened(PatchedConsumerThread)
    world.aiokafka.commit = refuse
    assert await fetched(world) == {}
    await until(lambda: world.joins == ["asked"])


async def refuse(offsets):
    raise CommitFailedError("the group has already rebalanced")


@pytest.mark.parametrize(("committed", "read"), [(0, 0), (None, None), (None, 0)])
async def test_a_partition_that_is_read_from_its_beginning_is_none_of_these(shortened, committed, read):
    world = await shortened(PatchedConsumerThread, committed, read or 0)
    if read is None:
        world.consumer._read_offset = {}
    assert await fetched(world) == {SOURCE: [*range(RECORDS)]}
    assert world.committed == world.joins == []


async def test_a_changelog_has_no_committed_offset_and_is_recovered_in_the_next_generation(shortened):
    world = await shortened(PatchedConsumerThread)
    world.wanted.add(TP(*CHANGELOG))
    world.consumer._read_offset[TP(*CHANGELOG)] = 50
    world.arrive(CHANGELOG)
    assert await world.read() == {}
    assert world.committed == []
    await until(lambda: world.joins == ["asked"])


async def test_a_changelog_that_is_read_from_where_it_was_sought_is_none_of_these(shortened):
    world = await shortened(PatchedConsumerThread)
    world.wanted.add(TP(*CHANGELOG))
    world.consumer._read_offset[TP(*CHANGELOG)] = 0
    world.arrive(CHANGELOG)
    assert await world.read() == {CHANGELOG: [*range(RECORDS)]}


async def test_faust_s_own_thread_passes_them_on_to_be_dropped(shortened):
    """The defect of which the tests before are the mend: where this fails, the mend may go."""
    world = await shortened(AIOKafkaConsumerThread)
    assert await fetched(world) == {SOURCE: [*range(RECORDS)]}
    assert world.committed == world.joins == []
