"""The mend of draining: a record takes no turn of the event loop, and one that is held up is waited for as before."""

import asyncio
from types import SimpleNamespace

import pytest
from faust.transport.drivers.aiokafka import Consumer
from mode import Service

from microblog_streams.delivery.faust_patches.consumer import EagerConsumer
from tests.support.waiting import DEADLINE_SECONDS, until


def consumer(kind):
    """Return a consumer that can wait, and nothing else."""
    made = kind.__new__(kind)
    Service.__init__(made)
    return made


@pytest.fixture
def prompt():
    return consumer(EagerConsumer)


@pytest.fixture
def world():
    return SimpleNamespace(handled=[], room=asyncio.Event(), suspended=asyncio.Event())


async def at_once(world):
    world.handled.append("at once")


async def held_up(world):
    await world.room.wait()
    world.handled.append("later")


async def turns(drained, world):
    """Return the turns that the loop took until a record was handled that nothing holds up."""
    waiting = asyncio.create_task(drained.wait_first(at_once(world), world.suspended.wait()))
    taken = 0
    while not waiting.done():
        await asyncio.sleep(0)
        taken += 1
    await waiting
    assert world.handled == ["at once"]
    return taken


async def test_a_record_takes_no_turn(prompt, world):
    assert await turns(prompt, world) == 1  # in which the waiting begins


async def test_faust_s_own_consumer_takes_more(world):
    """The defect of which the test before is the mend: where this fails, the mend may go."""
    assert await turns(consumer(Consumer), world) > 3


async def test_a_record_that_is_held_up_is_waited_for(prompt, world):
    waiting = asyncio.create_task(prompt.wait_first(held_up(world), world.suspended.wait()))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not waiting.done()

    world.room.set()
    async with asyncio.timeout(DEADLINE_SECONDS):
        await waiting
    assert world.handled == ["later"]


async def test_the_end_of_the_flow_ends_the_handling_of_a_record_that_is_held_up(prompt, world):
    waiting = asyncio.create_task(prompt.wait_first(held_up(world), world.suspended.wait()))
    await asyncio.sleep(0)
    world.suspended.set()
    async with asyncio.timeout(DEADLINE_SECONDS):
        await waiting

    world.room.set()
    await asyncio.sleep(0)
    assert world.handled == []


async def test_an_error_is_the_drain_s(prompt, world):
    async def fail():
        raise LookupError

    with pytest.raises(LookupError):
        await prompt.wait_first(fail(), world.suspended.wait())


async def test_a_cancelled_caller_leaves_nothing_behind(prompt, world):
    waiting = asyncio.create_task(prompt.wait_first(held_up(world), world.suspended.wait()))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    world.room.set()
    await asyncio.sleep(0)
    assert world.handled == []


async def test_a_record_whose_handling_survives_its_end_is_waited_for(prompt, world):
    async def stubborn():
        try:
            await world.room.wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            world.handled.append("after all")

    waiting = asyncio.create_task(prompt.wait_first(stubborn(), world.suspended.wait()))
    await asyncio.sleep(0)
    world.suspended.set()
    await waiting
    await until(lambda: world.handled == ["after all"])


async def test_a_record_that_is_held_up_twice_is_waited_for_twice(prompt, world):
    async def twice():
        await held_up(world)
        await asyncio.sleep(0)
        await at_once(world)

    waiting = asyncio.create_task(prompt.wait_first(twice(), world.suspended.wait()))
    await asyncio.sleep(0)
    world.room.set()
    async with asyncio.timeout(DEADLINE_SECONDS):
        await waiting
    assert world.handled == ["later", "at once"]
