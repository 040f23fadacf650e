"""A worker that stops finishes what runs, waits out the hold, acknowledges, and gives up in time."""

import asyncio

from tests.support.waiting import DEADLINE_SECONDS, until
from tests.unit.delivery.test_order import turns

HOLD = 2.5


async def test_a_drain_takes_nothing_more_finishes_and_acknowledges(world):
    world.effects.hold(0, 1)
    world.put(0, 1)
    await until(lambda: world.effects.begun == [0, 1])
    draining = asyncio.create_task(world.processor.drain(DEADLINE_SECONDS))
    await turns()
    world.put(2)
    await turns()
    world.effects.release(0, 1)
    await draining
    assert world.acked == [0, 1]
    assert world.effects.begun == [0, 1]


async def test_a_drain_waits_out_the_hold(make_world):
    world = make_world(hold=HOLD)
    await world.redis_restart_monitor.check()
    world.put(0)
    await until(lambda: world.effects.ended == [0])
    draining = asyncio.create_task(world.processor_pool.drain())
    await turns()
    assert not draining.done()
    world.clock.pass_by(HOLD)
    await world.redis_restart_monitor.check()
    await draining
    assert world.acked == [0]


async def test_a_drain_gives_up_waiting_for_a_look_that_never_comes(make_world):
    world = make_world(hold=HOLD)
    await world.redis_restart_monitor.check()
    world.put(0)
    await until(lambda: world.effects.ended == [0])
    draining = asyncio.create_task(world.processor_pool.drain())
    await turns()
    world.clock.pass_by(HOLD + 60)
    await draining
    assert world.acked == []


async def test_a_drain_gives_up_on_effects_that_do_not_end(world):
    world.effects.hold(1)
    world.put(0, 1, 2)
    await until(lambda: world.effects.ended == [0, 2])
    await world.processor.drain(0.01)
    await turns()
    assert world.acked == [0]
    assert world.effects._running == 0


async def test_a_drain_goes_past_a_full_window(make_world):
    world = make_world(window=1)
    world.effects.hold(0)
    world.put(0, 1)
    await until(lambda: world.stream.taken == [0, 1])
    draining = asyncio.create_task(world.processor.drain(DEADLINE_SECONDS))
    await turns()
    world.effects.release(0)
    await draining
    await turns()
    assert world.acked == [0]
    assert world.effects.begun == [0]


async def test_a_drain_of_a_halted_partition_processor_ends(world):
    world.effects.failures[0] = [ValueError("broken")] * 5
    world.put(0, 1)
    await until(lambda: world.processor_pool.halted())
    await asyncio.wait_for(world.processor_pool.drain(), DEADLINE_SECONDS)
    assert world.acked == []


async def test_a_drain_without_lanes_ends_at_once(world):
    await world.stop()
    await asyncio.wait_for(world.processor_pool.drain(), DEADLINE_SECONDS)
