"""Fetched records reach the partitions that are consumed; others stay where they are."""

import asyncio
from types import SimpleNamespace

import pytest
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer
from faust.types import TP
from mode import Service

from microblog_streams.delivery.faust_patches.consumer import PatchedConsumer, PatchedConsumerThread
from tests.component.delivery.reading_world import CHANGELOG, RECORDS, SOURCE
from tests.support.waiting import DEADLINE_SECONDS

EVERYTHING = [*range(RECORDS)]


async def rebalanced(world):
    """Pause everything while a read is under way, as a rebalance does; then a changelog's records arrive."""
    await world.until_under_way()
    world.wanted.clear()
    world.arrive(CHANGELOG)


async def test_nothing_is_given_out_while_everything_is_paused(reading):
    world = reading(PatchedConsumerThread)
    await rebalanced(world)
    await world.until_it_waits()
    assert (world.task.done(), world.position(CHANGELOG)) == (False, 0)
    world.wanted.add(TP(*CHANGELOG))
    assert await world.read() == {CHANGELOG: EVERYTHING}


async def test_faust_s_own_thread_gives_out_everything_then_and_recovery_waits_for_it_for_ever(reading):
    """The defect of which the test before is the mend: where this fails, the mend may go."""
    world = reading(AIOKafkaConsumerThread)
    await rebalanced(world)
    assert await world.task == {CHANGELOG: EVERYTHING}
    assert world.position(CHANGELOG) == RECORDS


async def stopped(world):
    """Stop the flow while a read is under way; then records arrive that it waits for."""
    await world.until_under_way()
    world.consumer.flow_active = False
    world.arrive(SOURCE)


async def test_nothing_is_given_out_while_the_flow_is_stopped(reading):
    world = reading(PatchedConsumerThread)
    await stopped(world)
    await world.until_it_waits()
    assert (world.task.done(), world.position(SOURCE)) == (False, 0)


async def test_faust_s_own_thread_gives_out_what_is_then_thrown_away(reading):
    """The defect of which the test before is the mend: where this fails, the mend may go."""
    world = reading(AIOKafkaConsumerThread)
    await stopped(world)
    assert await world.task == {SOURCE: EVERYTHING}
    assert world.position(SOURCE) == RECORDS


async def test_what_arrived_meanwhile_is_given_out_as_soon_as_the_flow_runs_again(reading):
    world = reading(PatchedConsumerThread)
    await stopped(world)
    await world.until_it_waits()
    world.consumer.resume_flow()
    assert await asyncio.wait_for(world.task, DEADLINE_SECONDS) == {SOURCE: EVERYTHING}


@pytest.mark.parametrize("aiokafka", [None, SimpleNamespace(_fetcher=None)])
async def test_the_flow_may_run_before_anything_can_be_read(reading, aiokafka):
    world, complaints = reading(PatchedConsumerThread), []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: complaints.append(context))
    world.thread._consumer = aiokafka
    world.consumer.resume_flow()
    await asyncio.sleep(0)
    assert complaints == []


async def idle_seconds(world, kind):
    """Let a worker without partitions that last read 2,000 s ago take a turn; return for how long it has not read."""
    consumer = kind.__new__(kind)
    Service.__init__(consumer)
    consumer.app, consumer._thread = SimpleNamespace(client_only=False), world.thread
    consumer._active_partitions, consumer.not_waiting_next_records = set(), asyncio.Event()
    consumer.sleep = lambda seconds: asyncio.sleep(0)
    world.subscription._last_fetch_ended -= 2_000
    await consumer._wait_next_records(1.0)
    return world.subscription.fetcher_idle_time


async def test_a_worker_without_partitions_is_no_idle_member(reading):
    assert await idle_seconds(reading(PatchedConsumerThread), PatchedConsumer) < 1_000


async def test_to_faust_s_own_consumer_it_is_one(reading):
    """The defect of which the test before is the mend: where this fails, the mend may go."""
    assert await idle_seconds(reading(PatchedConsumerThread), Consumer) > 1_000
