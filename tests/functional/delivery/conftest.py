"""The agents, running."""

import pytest

from microblog_streams.delivery import backoff, lane
from tests.functional.delivery.agents_world import AgentsWorld


@pytest.fixture
def quick(monkeypatch):
    """Pauses of a millisecond."""
    monkeypatch.setattr(backoff, "FIRST", 0.001)
    monkeypatch.setattr(backoff, "LONGEST", 0.002)
    monkeypatch.setattr(lane, "TICK", 0.001)


@pytest.fixture
async def running(quick):
    world = AgentsWorld().start()
    yield world
    await world.stop()
