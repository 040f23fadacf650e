"""A real worker on a stack of its own, whose parts are killed and frozen."""

import pytest

from tests.support.live.fixtures import eventually, make_workers, people
from tests.support.live.growing import command, kafka, stack, workers
from tests.system.away.world import World

__all__ = ["command", "eventually", "kafka", "people", "stack", "workers"]


def pytest_collection_modifyitems(items):
    for item in items:
        if "system/away" in str(item.path):
            item.add_marker(pytest.mark.integration)


@pytest.fixture(scope="module")
def worker(stack, eventually):
    for make in make_workers(stack):
        worker = make().start(STORE_TIMEOUT="2")
        eventually(worker.well, worker)
        yield worker


@pytest.fixture(params=["dead", "frozen"])
def world(request, stack, worker, people, eventually):
    """Ann, whom bob follows, each with a post, all of it seen by everybody; and how parts go: dead, or frozen."""
    return World(request.param, stack.stack, worker, people, eventually)
