"""What a partition processor does when the group changes, a lease lapses, or events are missing."""

import asyncio

from microblog_streams.config.settings import LEASE_MARGIN_SECONDS
from microblog_streams.delivery import processor_pool
from microblog_streams.domain.errors import NotMine, StoreUnavailable
from tests.support.waiting import until
from tests.unit.delivery.test_order import turns


async def test_nothing_is_acknowledged_while_the_group_is_rebalanced(world):
    world.effects.hold(0)
    world.put(0)
    await until(lambda: world.effects.begun == [0])
    world.group.rebalancing = True
    world.effects.release(0)
    await turns()
    assert world.acked == []

    world.group.rebalancing = False
    await until(lambda: world.acked == [0])


async def finished_but_held(make_world):
    """A world whose first effect has ended, and whose hold is over with the next look at Redis."""
    world = make_world(hold=2.5)
    await world.redis_restart_monitor.check()
    world.put(0)
    await until(lambda: world.effects.ended == [0])
    world.clock.pass_by(3)
    return world


async def test_what_is_finished_is_not_acknowledged_while_the_group_is_rebalanced(make_world):
    world = await finished_but_held(make_world)
    world.group.rebalancing = True
    await world.redis_restart_monitor.check()
    await turns()
    assert world.acked == []
    world.group.rebalancing = False
    await until(lambda: world.acked == [0])


async def test_what_was_finished_in_an_earlier_generation_is_not_acknowledged(make_world):
    world = await finished_but_held(make_world)
    world.group.consumer_generation_id += 1
    await world.redis_restart_monitor.check()
    await turns()
    assert world.acked == []


async def test_an_effect_of_an_earlier_generation_is_not_tried_again(world):
    world.effects.failures[0] = [StoreUnavailable("redis", "away")] * 1_000_000
    world.put(0)
    await until(lambda: len(world.effects.begun) > 2)
    world.group.consumer_generation_id += 1
    await turns()
    tries = len(world.effects.begun)
    await turns()
    assert len(world.effects.begun) == tries


async def test_partitions_are_given_back_once_the_tries_under_way_have_ended(world):
    """Else their pushes come after the next owner's purge."""
    world.effects.hold(0)
    world.put(0)
    await until(lambda: world.effects.begun == [0])
    world.group.rebalancing = True
    giving = asyncio.create_task(world.processor_pool.on_partitions_revoked(set()))
    await turns()
    assert not giving.done()

    world.effects.release(0)
    await giving
    assert world.effects.ended == []


async def test_a_try_that_hangs_does_not_hold_the_group_up(world, monkeypatch, caplog):
    monkeypatch.setattr(processor_pool, "FINISH_SECONDS", 0.001)
    world.effects.hold(0)
    world.put(0)
    await until(lambda: world.effects.begun == [0])
    await world.processor_pool.on_partitions_revoked(set())
    assert "effects_outlive_their_lease tries=1" in caplog.text


async def test_with_nothing_under_way_partitions_are_given_back_at_once(world):
    world.put(0)
    await until(lambda: world.acked == [0])
    await world.processor_pool.on_partitions_revoked(set())


async def test_events_of_an_earlier_generation_are_not_acknowledged_and_not_begun(world):
    world.effects.hold(0)
    world.put(0)
    await until(lambda: world.effects.begun == [0])
    world.put(1)  # still of the old generation
    world.rebalance()
    world.effects.release(0)
    await turns()
    assert world.acked == []
    assert world.effects.ended == []
    assert 1 not in world.effects.begun


async def test_a_new_generation_begins_anew_from_the_commit(world):
    world.effects.hold(1)
    world.put(0, 1, 2)
    await until(lambda: world.acked == [0] and world.effects.ended == [0, 2])
    world.rebalance()
    world.put(1, 2, 3)
    await until(lambda: world.effects.begun == [0, 1, 2, 1, 2, 3])
    world.effects.release(1)
    await until(lambda: world.acked == [0, 1, 2, 3])


async def test_an_effect_that_loses_its_cancellation_does_not_hold_up_the_next_generation(world):
    world.effects.hold(0)
    world.effects.deaf.add(0)
    world.put(0)
    await until(lambda: world.effects.begun == [0])
    world.rebalance()
    world.put(0)
    await until(lambda: world.effects.begun == [0, 0])
    world.effects.release(0)
    await until(lambda: world.acked == [0])


async def test_a_halted_partition_processor_restarts_in_the_next_generation(world):
    world.effects.failures[0] = [ValueError("broken")] * 5
    world.put(0)
    await until(lambda: world.processor_pool.halted())
    world.rebalance()
    world.put(0)
    await until(lambda: world.acked == [0])
    assert world.processor_pool.halted() == {}


async def test_an_event_that_was_read_twice_in_a_generation_is_brought_about_once(world):
    world.put(0, 1, 0, 1, 2)
    await until(lambda: world.acked == [0, 1, 2])
    assert world.effects.ended == [0, 1, 2]


async def test_nothing_past_a_gap_is_begun_and_the_group_is_rejoined(world):
    world.put(0, 1, 3, 4)
    await until(lambda: world.rejoins)
    await turns()
    assert world.acked == [0, 1]
    assert world.effects.begun == [0, 1]
    assert len(world.rejoins) == 1
    assert "notes-3" in world.rejoins[0]

    world.rebalance()
    world.put(2, 3, 4)
    await until(lambda: world.acked == [0, 1, 2, 3, 4])
    assert len(world.rejoins) == 1


async def test_the_first_event_of_a_generation_must_be_the_one_after_the_commit(world):
    world.committed[world.tp] = 5
    world.put(6)
    await until(lambda: world.rejoins)
    await turns()
    assert world.effects.begun == []


async def test_without_a_commit_the_first_event_must_be_the_oldest_there_is(world):
    world.first = 4
    world.put(5)
    await until(lambda: world.rejoins)
    world.rebalance()
    world.committed.clear()
    world.put(4, 5)
    await until(lambda: world.acked == [4, 5])


async def test_a_gap_that_retention_made_is_gone_over(world):
    world.put(0, 1)
    await until(lambda: world.acked == [0, 1])
    world.first = 40
    world.put(40, 41)
    await until(lambda: world.acked == [0, 1, 40, 41])
    assert world.rejoins == []


async def test_a_gap_is_gone_over_where_retention_went_on_past_the_event(world):
    world.put(0)
    await until(lambda: world.acked == [0])
    world.first = 43
    world.put(40, 41)
    await until(lambda: world.acked == [0, 40, 41])
    assert world.rejoins == []


async def test_the_first_offset_is_asked_for_until_kafka_answers(make_world):
    world = make_world(kafka_errors=[StoreUnavailable("kafka", "away")] * 3)
    world.put(0)
    await until(lambda: world.acked == [0])
    assert not world.task.done()


async def test_an_effect_waits_for_the_return_of_a_lapsed_lease(world):
    world.clock.pass_by(world.heartbeat.session - LEASE_MARGIN_SECONDS + 0.1)
    world.put(0)
    await until(lambda: len(world.effects.begun) > 8)  # more than the tries of a failure
    assert world.effects.ended == []
    assert world.processor_pool.halted() == {}

    world.heartbeat.answered_at = world.clock()
    await until(lambda: world.acked == [0])


async def test_rows_wait_for_the_return_of_the_lease(make_world):
    world = make_world(writes=True)
    world.effects.row_failures[0] = [NotMine("not yet")] * 9
    world.put(0, 1)
    await until(lambda: world.acked == [0, 1])
    assert world.effects.rows == [0, 1]


async def test_rows_that_wait_are_left_to_the_next_generation(make_world):
    world = make_world(writes=True)
    world.effects.row_failures[0] = [NotMine("never")] * 1_000_000
    world.put(0)
    await until(lambda: len(world.effects.row_failures[0]) < 1_000_000)
    world.rebalance()
    world.effects.row_failures[0].clear()
    world.put(0)
    await until(lambda: world.acked == [0])
    assert world.effects.rows == [0]


async def test_a_revoked_partition_lets_go_without_acknowledging(world):
    world.effects.hold(0)
    world.put(0, 1)
    await until(lambda: world.effects.ended == [1])
    await world.stop()
    world.effects.release(0)
    await turns()
    assert world.acked == []
    assert world.effects.ended == [1]
    assert world.processor_pool.processors == set()


async def test_a_stream_that_ends_lets_go_too(world):
    world.effects.hold(0)
    world.put(0)
    world.stream.queue.put_nowait(None)
    await until(lambda: world.task.done())
    assert world.processor_pool.processors == set()
    assert world.effects.ended == []


async def test_a_revoked_partition_is_no_crash_for_faust(world):
    """An agent that ends as cancelled is started anew by Faust's supervisor, which ends the worker on the second."""
    world.effects.hold(0)
    world.put(0)
    await until(lambda: world.effects.begun == [0])
    world.task.cancel()
    await until(world.task.done)
    assert not world.task.cancelled()


async def test_nor_where_it_is_cancelled_while_it_lets_go(world):
    world.put(0)
    await until(lambda: world.acked == [0])
    closing = asyncio.Event()

    async def close():
        closing.set()
        await asyncio.Event().wait()

    world.processor.close = close
    world.stream.queue.put_nowait(None)
    await closing.wait()
    world.task.cancel()
    await until(world.task.done)
    assert not world.task.cancelled()
