"""An event is acknowledged only when what its effect wrote to Redis can no longer be lost."""

import asyncio

from microblog_streams.delivery.offset_acks import RedisRestartMonitor
from microblog_streams.domain.errors import StoreUnavailable
from tests.support.waiting import DEADLINE_SECONDS, until
from tests.unit.delivery.test_order import turns

HOLD = 2.5


async def look_after(world, seconds):
    """Let time pass, then look at Redis."""
    world.clock.pass_by(seconds)
    await world.redis_restart_monitor.check()
    await turns()


async def test_an_event_waits_for_a_look_at_redis_a_hold_after_its_effect(make_world):
    world = make_world(hold=HOLD)
    await world.redis_restart_monitor.check()
    world.put(0)
    await until(lambda: world.effects.ended == [0])
    await look_after(world, HOLD - 0.1)
    assert world.acked == []

    world.clock.pass_by(10)  # time alone proves nothing
    await turns()
    assert world.acked == []

    await look_after(world, 0)
    await until(lambda: world.acked == [0])


async def test_effects_of_an_earlier_run_of_redis_are_repeated_before_their_acknowledgement(make_world):
    world = make_world(hold=HOLD)
    await world.redis_restart_monitor.check()
    world.put(0, 1)
    await until(lambda: world.effects.ended == [0, 1])

    world.run_id = "second"
    await look_after(world, HOLD + 1)
    await until(lambda: world.effects.ended == [0, 1, 0, 1])
    assert world.acked == []

    await look_after(world, HOLD + 1)
    await until(lambda: world.acked == [0, 1])
    assert world.effects.ended == [0, 1, 0, 1]


async def test_an_effect_under_way_when_redis_crashed_is_repeated_once_it_ends(make_world):
    world = make_world(hold=HOLD)
    await world.redis_restart_monitor.check()
    world.effects.hold(1)
    world.put(0, 1, 2)
    await until(lambda: world.effects.ended == [0, 2])

    world.run_id = "second"
    await look_after(world, HOLD + 1)
    await until(lambda: sorted(world.effects.ended) == [0, 0, 2, 2])
    world.effects.release(1)
    await until(lambda: 1 in world.effects.ended)
    await look_after(world, HOLD + 1)  # 0 is acknowledged, so 1 is next
    await until(lambda: world.effects.ended.count(1) == 2)
    assert world.acked == [0]
    await look_after(world, HOLD + 1)
    await until(lambda: world.acked == [0, 1, 2])
    assert world.effects.ended.count(1) == 2


async def test_effects_before_the_first_look_at_redis_are_repeated(make_world):
    """The run they belong to is unknown: Redis may have crashed between them and the look."""
    world = make_world(hold=HOLD)
    world.put(0)
    await until(lambda: world.effects.ended == [0])
    await look_after(world, HOLD + 1)
    await until(lambda: world.effects.ended == [0, 0])
    assert world.acked == []


async def test_what_was_acknowledged_is_not_repeated(make_world):
    world = make_world()
    world.put(0)
    await until(lambda: world.acked == [0])
    world.run_id = "second"
    await look_after(world, 1)
    assert world.effects.ended == [0]


async def test_a_look_counts_from_when_it_was_asked_not_answered(clock):
    async def slow_run_id():
        clock.pass_by(1)
        return "first"

    redis_restart_monitor = RedisRestartMonitor(slow_run_id, HOLD)
    begun = clock.time
    await redis_restart_monitor.check()
    assert redis_restart_monitor.is_durable(begun - HOLD)
    assert not redis_restart_monitor.is_durable(begun - HOLD + 0.5)


async def test_an_absent_redis_proves_nothing_and_counts_no_run(clock):
    answers = ["first"]

    async def run_id():
        if not answers:
            raise StoreUnavailable("redis", "away")
        return answers.pop()

    redis_restart_monitor = RedisRestartMonitor(run_id, HOLD)
    await redis_restart_monitor.check()
    run, done_at = redis_restart_monitor.run, clock.time
    clock.pass_by(60)
    await redis_restart_monitor.check()
    assert not redis_restart_monitor.is_durable(done_at)
    answers.append("first")
    await redis_restart_monitor.check()
    assert redis_restart_monitor.is_durable(done_at)
    assert redis_restart_monitor.run == run


async def test_the_watch_looks_by_itself():
    looks = asyncio.Semaphore(0)

    async def run_id():
        looks.release()
        return "first"

    redis_restart_monitor = RedisRestartMonitor(run_id, HOLD)
    await redis_restart_monitor.start()
    try:
        await asyncio.wait_for(looks.acquire(), DEADLINE_SECONDS)
        await asyncio.wait_for(looks.acquire(), DEADLINE_SECONDS)
    finally:
        await redis_restart_monitor.stop()
