"""Faults, and a checker that looks at workers, on the session's stack."""

import random

import pytest

from tests.chaos.arena import scene_on
from tests.support.live.command import run_command


def pytest_collection_modifyitems(items):
    for item in items:
        if "system/chaos" in str(item.path):
            item.add_marker(pytest.mark.integration)


@pytest.fixture
def scene(migrated):
    """The session's stack with two workers; no dead letter is open."""
    assert run_command(migrated.environment, "dead-letters", "discard", "--all", "--yes").status == 0
    with scene_on(migrated) as scene:
        scene.random = random.Random(11)
        yield scene
