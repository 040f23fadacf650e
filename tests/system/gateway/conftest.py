"""Two real workers behind a real gateway."""

from pathlib import Path

import pytest

from microblog_streams.local.gateway import WORKER_DEFAULTS, Gateway, GatewayOptions
from microblog_streams.local.process import Children
from tests.support.live.fixtures import eventually, free_port, migrate, migrated, module_workers, people
from tests.support.live.worker import Worker

__all__ = ["eventually", "migrate", "migrated", "module_workers", "people"]

TEMPLATE = Path(__file__).parents[3] / "deploy" / "gateway" / "microblog.conf.template"
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
    folder = tmp_path_factory.mktemp("gateway")
    children = Children(folder)
    gateway = Gateway(children, folder, GatewayOptions(TEMPLATE, free_port()), print)
    gateway.configure([f"127.0.0.1:{worker.port}" for worker in pair])
    gateway.start()
    front = Worker("gateway", gateway.options.port, pair[0].environment, folder / "logs" / "gateway.log")
    eventually(lambda: front.call("GET", "/users/").status == 200, front)
    yield front
    gateway.stop()
    children.close()


@pytest.fixture
def restart(eventually):
    """Starts a worker that has ended, and waits until it is well."""

    def restart(worker):
        worker.start(**SETTINGS)
        eventually(worker.well, worker)

    return restart
