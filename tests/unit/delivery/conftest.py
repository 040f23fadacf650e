"""A partition processor in memory, with pauses of a millisecond and a clock that only tests move."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from microblog_streams.aio import failures
from microblog_streams.delivery import lease, offset_acks, partition_processor
from tests.support.fakes.delivery import Clock, World


@pytest.fixture
def clock(monkeypatch) -> Clock:
    """The time of leases, holds and looks at Redis."""
    clock = Clock()
    for module in (partition_processor, lease, offset_acks):
        monkeypatch.setattr(module, "monotonic", clock)
    return clock


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch) -> None:
    monkeypatch.setattr(failures, "FIRST_SECONDS", 0.0005)
    monkeypatch.setattr(failures, "LONGEST_SECONDS", 0.001)
    monkeypatch.setattr(partition_processor, "CHECK_SECONDS", 0.001)
    for module in (partition_processor, offset_acks):
        monkeypatch.setattr(module, "TICK_SECONDS", 0.001)


@pytest.fixture
async def make_world(clock) -> AsyncIterator[Callable[..., World]]:
    """Make a world whose agent runs."""
    worlds: list[World] = []

    def make(**limits: Any) -> World:
        world = World(clock=clock, **limits)
        world.start()
        worlds.append(world)
        return world

    yield make
    for world in worlds:
        await world.stop()


@pytest.fixture
async def world(make_world) -> World:
    return make_world()
