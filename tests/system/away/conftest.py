"""A real worker on the session's stack, whose parts are killed and frozen; each comes back with its data."""

import pytest

from tests.support.live.processes import make_workers
from tests.system.away.world import World


def pytest_collection_modifyitems(items):
    for item in items:
        if "system/away" in str(item.path):
            item.add_marker(pytest.mark.integration)


@pytest.fixture(scope="module")
def worker(migrated, eventually):
    for make in make_workers(migrated):
        worker = make().start(STORE_TIMEOUT="4", PUBLISH_TIMEOUT="3")
        eventually(worker.well, worker)
        yield worker


@pytest.fixture(params=["dead", "frozen"])
def world(request, migrated, worker, people, eventually):
    """Ann, whom bob follows, each with a post, all of it seen by everybody; and how parts go: dead, or frozen."""
    return World(request.param, migrated.stack, worker, people, eventually)
