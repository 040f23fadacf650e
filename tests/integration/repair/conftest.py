"""A real worker on a stack of its own, whose timelines and tables are made wrong."""

import subprocess
import sys

import pytest
from redis import Redis

from tests.live.fixtures import eventually, make_workers, people
from tests.live.growing import kafka, stack, workers
from tests.live.worker import ROOT

__all__ = ["eventually", "kafka", "people", "stack", "workers"]


def pytest_collection_modifyitems(items):
    for item in items:
        if "integration/repair" in str(item.path):
            item.add_marker(pytest.mark.integration)


@pytest.fixture(scope="module")
def command(stack):
    """Runs a command of ours as a process; gives exit status, standard output and error output."""

    def run(*arguments, **environment):
        line = [sys.executable, "-m", "faust", "-A", "microblog_streams", *arguments]
        done = subprocess.run(
            line,
            cwd=ROOT,
            env={**stack.environment, **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    return run


@pytest.fixture(scope="module")
def worker(stack, eventually):
    """A worker that repairs nothing by itself."""
    for make in make_workers(stack):
        worker = make().start(RECONCILE_INTERVAL="0")
        eventually(worker.well, worker)
        yield worker


@pytest.fixture(scope="module")
def redis(stack):
    with Redis.from_url(stack.settings.redis_url.get_secret_value()) as client:
        yield client
