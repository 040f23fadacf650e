"""Three primaries with a replica each, and what is kept there."""

import pytest

from microblog_streams.stores.redis import Redis
from microblog_streams.stores.timelines import Timelines
from tests.servers.redis_cluster import running_cluster


def pytest_collection_modifyitems(items):
    for item in items:
        if "integration/clustered" in str(item.path):
            item.add_marker(pytest.mark.integration)


@pytest.fixture(scope="session")
def cluster():
    with running_cluster(replicas=True) as running:
        yield running


@pytest.fixture
async def redis(cluster):
    connection = Redis(cluster.settings)
    await connection.connect()
    yield connection
    await connection.close()


@pytest.fixture
def timelines(redis):
    return Timelines(redis)
