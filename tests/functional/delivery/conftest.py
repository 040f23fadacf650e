"""The agents, running."""

import pytest

from microblog_streams.delivery import acknowledgements, backoff, lane
from tests.functional.delivery.agents_world import AgentsWorld


@pytest.fixture
def quick(monkeypatch):
    """Pauses of a millisecond."""
    monkeypatch.setattr(backoff, "FIRST", 0.001)
    monkeypatch.setattr(backoff, "LONGEST", 0.002)
    for module in (lane, acknowledgements):
        monkeypatch.setattr(module, "TICK", 0.001)


@pytest.fixture
async def running(quick):
    world = AgentsWorld().start()
    yield world
    await world.stop()
