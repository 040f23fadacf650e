"""A worker reports partitions of which nothing is committed any more, and no others."""

import logging
from types import SimpleNamespace

import pytest
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from faust.types import TP

from microblog_streams.delivery.faust_patches.consumer import PatchedConsumerThread
from tests.component.delivery.reading_world import SOURCE

PARTITION = TP(*SOURCE)
QUIET_HOUR, STANDSTILL = 3_600.0, 300.0


@pytest.fixture
def looking(reading):
    """A thread that read and committed ten events an hour ago; returns a look at it: end, committed offset, time."""

    def make(kind):
        world = reading(kind)
        thread, state = world.thread, world.assignment.state_value(SOURCE)
        conf = SimpleNamespace(broker_commit_livelock_soft_timeout=STANDSTILL, stream_processing_timeout=STANDSTILL)
        monitor = SimpleNamespace(stream_inbound_time={PARTITION: QUIET_HOUR - 1})
        thread.app.topics = SimpleNamespace(acks_enabled_for=lambda topic: topic == SOURCE.topic)
        thread.app.conf, thread.app.monitor = conf, monitor
        world.consumer.app, world.consumer._committed_offset = thread.app, {}
        thread.log = logging.getLogger("faust")
        thread.time_started, thread.tp_last_committed_at = 0.0, {PARTITION: 1.0}
        thread.tp_stream_timeout_secs = thread.tp_commit_timeout_secs = STANDSTILL
        thread.tp_fetch_request_timeout_secs, state.timestamp = STANDSTILL, (QUIET_HOUR - 1) * 1000

        def look(end, committed, now):
            state.highwater, state._position = end, None if end is None else min(end, 10)
            world.consumer._committed_offset[PARTITION] = committed
            thread.verify_event_path(now, PARTITION)

        return look

    return make


async def test_the_first_event_after_a_quiet_hour_is_no_standstill(looking, caplog):
    look = looking(PatchedConsumerThread)
    look(end=10, committed=10, now=QUIET_HOUR - 1)
    look(end=11, committed=10, now=QUIET_HOUR)
    look(end=11, committed=11, now=QUIET_HOUR + 1)
    look(end=99, committed=98, now=QUIET_HOUR + 2)
    assert not caplog.records


async def test_faust_reports_a_bug_of_it(looking, caplog):
    """The defect of which the test before is the mend: where this fails, the mend may go."""
    looking(AIOKafkaConsumerThread)(end=11, committed=10, now=QUIET_HOUR)
    assert "report as bug" in caplog.text


async def test_a_busy_partition_that_is_committed_is_none(looking, caplog):
    look = looking(PatchedConsumerThread)
    for second in range(1_000):
        look(end=100 + second, committed=10 + second, now=float(second))
    assert not caplog.records


@pytest.mark.parametrize("committed", [10, None])
async def test_what_is_committed_no_more_is_told_once_a_minute(looking, caplog, committed):
    look = looking(PatchedConsumerThread)
    for second in range(int(STANDSTILL) + 61):
        look(end=20 + second, committed=committed, now=float(second))
    assert len(caplog.records) == 2
    assert f"commits_stand_still partition=events-0 committed={committed}" in caplog.text


async def test_what_was_another_worker_s_meanwhile_is_none(looking, caplog):
    look = looking(PatchedConsumerThread)
    look(end=20, committed=10, now=0.0)
    look(end=30, committed=10, now=QUIET_HOUR)
    assert not caplog.records


async def test_a_partition_that_is_not_positioned_yet_is_none(looking, caplog):
    """After a rebalance a partition is assigned before the worker knows where to read on."""
    look = looking(PatchedConsumerThread)
    look(end=None, committed=None, now=QUIET_HOUR)
    assert not caplog.records
