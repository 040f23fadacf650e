"""Effects run side by side, within their bounds; acknowledgements go strictly in order."""

import asyncio

from tests.support.waiting import until


async def turns(count: int = 20) -> None:
    """Let everything run that can."""
    for _ in range(count):
        await asyncio.sleep(0.0005)


async def test_events_are_acknowledged_in_order_though_effects_end_in_another(world):
    world.effects.hold(0, 1)
    world.put(0, 1, 2, 3)
    await until(lambda: world.effects.ended == [2, 3])
    await turns()
    assert world.acked == []

    world.effects.release(1)
    await until(lambda: 1 in world.effects.ended)
    await turns()
    assert world.acked == []

    world.effects.release(0)
    await until(lambda: world.acked == [0, 1, 2, 3])


async def test_no_more_effects_run_than_the_window_allows_and_the_stream_is_held_back(make_world):
    world = make_world(window=3)
    world.effects.hold(*range(10))
    world.put(*range(10))
    await until(lambda: world.effects.begun == [0, 1, 2])
    await turns()
    assert world.effects.begun == [0, 1, 2]
    assert world.stream.taken == [0, 1, 2, 3]

    world.effects.release(*range(10))
    await until(lambda: world.acked == list(range(10)))
    assert world.effects.most == 3


async def test_a_finished_effect_makes_room_for_the_next_though_it_is_not_acknowledged(make_world):
    world = make_world(window=2)
    world.effects.hold(0)
    world.put(*range(6))
    await until(lambda: world.effects.ended == [1, 2, 3, 4, 5])
    assert world.acked == []


async def test_no_more_events_wait_for_their_acknowledgement_than_the_bound_allows(make_world):
    world = make_world(window=2, unacked=4)
    world.effects.hold(0)
    world.put(*range(8))
    await until(lambda: world.effects.ended == [1, 2, 3])
    await turns()
    assert world.effects.begun == [0, 1, 2, 3]
    assert world.processor_pool.unacked() == 4

    world.effects.release(0)
    await until(lambda: world.acked == list(range(8)))
    assert world.processor_pool.unacked() == 0


async def test_rows_are_written_in_the_order_of_the_events_before_their_effects(make_world):
    world = make_world(writes=True)
    world.effects.hold(0)
    world.put(0, 1, 2)
    await until(lambda: world.effects.begun == [0, 1, 2])
    assert world.effects.rows == [0, 1, 2]


async def test_an_event_is_acknowledged_only_when_its_rows_are_in_the_changelog(make_world):
    confirmed = asyncio.Event()

    async def confirm(message):
        await confirmed.wait()

    world = make_world(writes=True, confirm=confirm)
    world.put(0, 1)
    await until(lambda: world.effects.ended == [0, 1])
    await turns()
    assert world.acked == []
    confirmed.set()
    await until(lambda: world.acked == [0, 1])
