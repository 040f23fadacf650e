"""The agents, running; and consumers without a broker."""

import pytest

from microblog_streams.aio import failures
from microblog_streams.delivery import offset_acks, partition_processor
from tests.component.delivery.agents_world import AgentsWorld
from tests.component.delivery.reading_world import Reading


@pytest.fixture
def quick(monkeypatch):
    """Pauses of a millisecond."""
    monkeypatch.setattr(failures, "FIRST_SECONDS", 0.001)
    monkeypatch.setattr(failures, "LONGEST_SECONDS", 0.002)
    for module in (partition_processor, offset_acks):
        monkeypatch.setattr(module, "TICK_SECONDS", 0.001)


@pytest.fixture
async def running(quick):
    world = AgentsWorld().start()
    yield world
    await world.stop()


@pytest.fixture
async def reading():
    """Makes a consumer with a kind of thread."""
    made = []

    def make(kind):
        made.append(Reading(kind))
        return made[-1]

    yield make
    for one in made:
        await one.close()
