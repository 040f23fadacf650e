"""A real worker of a deployment of its own, whose timelines and tables are made wrong."""

import pytest
from redis import Redis

from microblog_streams.domain.ids import new_post_id, post_millis
from microblog_streams.stores.cassandra.driver import Address, open_cluster
from microblog_streams.stores.cassandra.posts import PUT_BODY
from tests.support.live.command import run_command
from tests.support.live.growing import kafka, separate, workers
from tests.support.live.processes import make_workers

__all__ = ["kafka", "separate", "workers"]


def pytest_collection_modifyitems(items):
    for item in items:
        if "system/repair" in str(item.path):
            item.add_marker(pytest.mark.integration)


@pytest.fixture(scope="module")
def command(separate):
    """Runs a command of ours as a process; gives exit status, standard output and error output."""

    def run(*arguments, **environment):
        status, said, errors = run_command({**separate.environment, **environment}, *arguments)
        return status, said.decode(), errors.decode()

    return run


@pytest.fixture(scope="module")
def worker(separate, eventually):
    """A worker that repairs nothing by itself."""
    for make in make_workers(separate):
        worker = make().start(RECONCILE_INTERVAL="0")
        eventually(worker.well, worker)
        yield worker


@pytest.fixture(scope="module")
def redis(separate):
    with Redis.from_url(separate.settings.redis_url.get_secret_value()) as client:
        yield client


@pytest.fixture(scope="module")
def half_write(separate):
    """Writes a post of an author's as a batch does that was given up half-way, the text alone; returns its id."""
    with open_cluster(separate.settings) as cluster:
        session = cluster.connect()
        session.set_keyspace(Address.of(separate.settings).keyspace)
        put_body = session.prepare(PUT_BODY)

        def write(author):
            post_id = new_post_id()
            session.execute(put_body, (post_id, author, "half", post_millis(post_id) * 1_000))
            return post_id

        yield write
