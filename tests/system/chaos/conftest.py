"""Faults on a stack of their own, and a checker that looks at workers on the session's."""

import random

import pytest

from tests.chaos.arena import arena
from tests.support.live.fixtures import eventually, kafka, migrate, migrated, people, workers

__all__ = ["eventually", "kafka", "migrate", "migrated", "people", "workers"]


def pytest_collection_modifyitems(items):
    for item in items:
        if "system/chaos" in str(item.path):
            item.add_marker(pytest.mark.integration)


@pytest.fixture
def scene():
    with arena() as scene:
        scene.random = random.Random(11)
        yield scene
