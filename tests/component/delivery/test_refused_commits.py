"""A commit that Kafka refused is not noted as done: its records are read again, and committed then."""

import asyncio
from collections import defaultdict
from types import SimpleNamespace

import pytest
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from mode import Service

from microblog_streams.delivery.faust_patches.consumer import PatchedConsumer, PatchedConsumerThread
from tests.component.delivery.reading_world import SOURCE


@pytest.fixture
def consumer_of():
    """Makes a consumer of a kind whose commits end with these answers of its thread, in order."""

    def make(kind, *answers):
        made = kind.__new__(kind)
        Service.__init__(made)
        left = list(answers)
        made._thread = SimpleNamespace(
            commit=lambda offsets: asyncio.sleep(0, left.pop(0)), assignment=lambda: {SOURCE}
        )
        made._committed_offset = defaultdict(lambda: None)
        made.app = SimpleNamespace(
            producer=SimpleNamespace(flush=lambda: asyncio.sleep(0)),
            tables=SimpleNamespace(on_commit=lambda offsets: None),
            monitor=SimpleNamespace(on_tp_commit=lambda offsets: None),
        )
        made.in_transaction = False
        return made

    return make


async def test_a_refused_commit_is_not_noted_and_one_that_is_taken_is(consumer_of):
    consumer = consumer_of(PatchedConsumer, False, True)

    assert await consumer._commit_offsets({SOURCE: 7}) is False
    assert consumer._committed_offset[SOURCE] is None

    assert await consumer._commit_offsets({SOURCE: 7}) is True
    assert consumer._committed_offset[SOURCE] == 7


async def test_faust_s_own_consumer_notes_it(consumer_of):
    """The defect of which the test before is the mend: where this fails, the mend may go."""
    consumer = consumer_of(driver.Consumer, False)

    assert await consumer._commit_offsets({SOURCE: 7}) is False
    assert consumer._committed_offset[SOURCE] == 7


class TestRevoked:
    """A partition may be revoked while its commit waits for its turn in the consumer's thread."""

    @pytest.fixture
    async def world(self, reading):
        world = reading(PatchedConsumerThread)
        world.thread.tp_last_committed_at, world.sent = {}, []
        world.aiokafka.commit = self._accept(world.sent)
        return world

    @staticmethod
    def _accept(sent):
        return lambda offsets: asyncio.sleep(0, sent.append(offsets))

    async def test_the_commit_of_an_assigned_partition_is_sent(self, world):
        assert await world.thread.commit({TP(*SOURCE): 7}) is True
        assert len(world.sent) == 1

    async def test_that_of_a_revoked_one_is_refused_and_its_companions_with_it(self, world):
        assert await world.thread.commit({TP(*SOURCE): 7, TP("events", 9): 1}) is False
        assert world.sent == []
