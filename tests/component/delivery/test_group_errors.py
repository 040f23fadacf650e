"""An error that ends the heartbeats, or the group's client, reaches the next read, and so ends the worker."""

import asyncio

import pytest
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.errors import KafkaError
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread

from microblog_streams.delivery.faust_patches.consumer import PatchedConsumerThread
from tests.component.delivery.reading_world import RECORDS, SOURCE


@pytest.fixture
async def failing(reading):
    """Makes a consumer whose group's client has met an error while no read waited; returns it and that client."""
    waits = []

    async def make(kind):
        world = reading(kind)
        world.aiokafka._coordinator = coordinator = GroupCoordinator.__new__(GroupCoordinator)
        coordinator._subscription, coordinator._closing = world.subscription, asyncio.get_running_loop().create_future()
        coordinator._coordination_task = asyncio.get_running_loop().create_future()
        waits.append(asyncio.ensure_future(coordinator._push_error_to_user(KafkaError("a heartbeat was refused"))))
        world.arrive(SOURCE)
        return world, coordinator

    yield make
    for wait in waits:
        wait.cancel()


async def test_a_read_raises_it_although_there_are_records(failing):
    world, coordinator = await failing(PatchedConsumerThread)
    with pytest.raises(KafkaError, match="refused"):
        await world.read()
    assert coordinator._error_consumed_fut is None


async def test_faust_s_own_read_leaves_the_client_standing_still(failing):
    """The defect of which the test before is the mend: where this fails, the mend may go."""
    world, coordinator = await failing(AIOKafkaConsumerThread)
    assert await world.read() == {SOURCE: [*range(RECORDS)]}
    assert not coordinator._error_consumed_fut.done()
