"""A commit that Kafka refused is not noted as done: its records are read again, and committed then."""

import asyncio
from collections import defaultdict
from types import SimpleNamespace

import pytest
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from mode import Service

from microblog_streams.delivery.faust_patches.consumer import PatchedConsumer

SOURCE = TP("events", 0)


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
