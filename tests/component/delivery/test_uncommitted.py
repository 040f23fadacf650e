"""A partition in which nothing is committed yet is read from its beginning, after every rebalance."""

import asyncio
from types import SimpleNamespace

import pytest
from aiokafka.errors import KafkaConnectionError, NoError, OffsetOutOfRangeError
from aiokafka.protocol.fetch import FetchRequest
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread

from microblog_streams.delivery.faust_patches.consumer import PatchedConsumerThread
from microblog_streams.delivery.faust_patches.transport import committed_offset
from microblog_streams.domain.errors import StoreUnavailable
from tests.component.delivery.reading_world import CHANGELOG, RECORDS, SOURCE
from tests.support.waiting import until


async def test_a_partition_in_which_nothing_is_committed_is_read_from_its_beginning(reading):
    """A changelog has no committed offsets either, and recovery has sought it."""
    world = reading(PatchedConsumerThread)
    world.at(RECORDS)
    assert await world.thread.seek_to_committed() == {SOURCE: None, CHANGELOG: None}
    assert (world.position(SOURCE), world.position(CHANGELOG)) == (0, RECORDS)


async def test_faust_s_own_thread_leaves_it_where_it_was_and_skips_what_was_thrown_away(reading):
    """The defect of which the test before is the mend: where this fails, the mend may go."""
    world = reading(AIOKafkaConsumerThread)
    world.at(RECORDS)
    await world.thread.seek_to_committed()
    assert world.position(SOURCE) == RECORDS


async def test_its_beginning_is_where_retention_left_it(reading):
    """aiokafka's own doing, on which the mend rests."""
    world = reading(PatchedConsumerThread)

    async def send(node, request):
        if not isinstance(request, FetchRequest):
            return SimpleNamespace(API_VERSION=1, topics=[("events", [(0, NoError.errno, -1, 5)])])
        if world.position(SOURCE) == 5:
            await asyncio.get_running_loop().create_future()
        out_of_range = (0, OffsetOutOfRangeError.errno, -1, -1, [], b"")
        return SimpleNamespace(API_VERSION=4, topics=[("events", [out_of_range])])

    world.client.send = send
    await world.thread.seek_to_committed()
    world.leaders[SOURCE] = 0
    await until(lambda: world.position(SOURCE) == 5)


class TestCommittedOffset:
    """Where a partition's first event is expected: what Faust has noted, else what Kafka says."""

    @pytest.fixture
    async def world(self, reading):
        world = reading(PatchedConsumerThread)
        world.consumer._committed_offset = {}
        return world

    @pytest.fixture
    def ask(self, world):
        return lambda: committed_offset(SimpleNamespace(consumer=world.consumer), SOURCE)

    async def test_what_faust_noted_is_where_it_began(self, world, ask):
        world.consumer._committed_offset[SOURCE] = 3
        assert await ask() == 3

    async def test_kafka_is_asked_for_what_faust_did_not_note(self, world, ask):
        world.aiokafka.committed = lambda tp: asyncio.sleep(0, 90)
        assert await ask() == 90

    async def test_there_may_be_none(self, ask):
        assert await ask() is None

    async def test_kafka_may_be_away(self, world, ask):
        world.aiokafka.committed = self._away
        with pytest.raises(StoreUnavailable):
            await ask()

    @staticmethod
    async def _away(tp):
        raise KafkaConnectionError
