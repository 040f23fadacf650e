"""Two real workers behind a real gateway."""

import pytest

from microblog_streams.local.gateway import WORKER_DEFAULTS
from tests.support.live.gateway import gateway_before

SETTINGS = {name.removeprefix("MICROBLOG_"): value for name, value in WORKER_DEFAULTS.items()}


def pytest_collection_modifyitems(items):
    for item in items:
        if "system/gateway" in str(item.path):
            item.add_marker(pytest.mark.integration)


@pytest.fixture(scope="module")
def pair(module_workers, eventually):
    pair = [module_workers().start(**SETTINGS) for _ in range(2)]
    eventually(lambda: all(worker.well() for worker in pair), *pair)
    return pair


@pytest.fixture(scope="module")
def front(pair, tmp_path_factory, eventually):
    """The gateway, to be called like a worker."""
    with gateway_before(pair, tmp_path_factory.mktemp("gateway"), eventually) as front:
        yield front


@pytest.fixture
def restart(eventually):
    """Starts a worker that has ended, and waits until it is well."""

    def restart(worker):
        worker.start(**SETTINGS)
        eventually(worker.well, worker)

    return restart
