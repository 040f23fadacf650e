"""A Redis Cluster that wants TLS and a login: all its servers are reached so, also those that it names itself."""

import pytest
from pydantic import SecretStr

from microblog_streams.domain.errors import SetupError
from microblog_streams.domain.ids import encode_entry, new_post_id
from microblog_streams.stores.redis.connection import Redis
from microblog_streams.stores.redis.timelines import Timelines
from tests.support.servers.redis_cluster import PASSWORD, running_cluster


@pytest.fixture(scope="module")
def cluster():
    with running_cluster(primaries=1) as running:
        yield running


@pytest.fixture
async def opened():
    """Connections to be closed when the front is gone, which cuts them without a close."""
    opened = []
    yield opened
    for redis in opened:
        await redis.close()


@pytest.fixture
def secured(opened, cluster, front):
    """Settings that lead to a front with TLS, as which the cluster's one server passes itself off."""
    [node] = cluster.nodes
    with front(node.port) as port, node.client() as client:
        client.config_set("cluster-announce-port", port)
        url = f"rediss+cluster://:{PASSWORD}@127.0.0.1:{port}"
        yield cluster.settings.model_copy(update={"redis_url": SecretStr(url)})


async def test_certificate_and_password_are_checked(secured, opened, certs):
    redis = Redis(secured.model_copy(update={"redis_ca": certs.ca}))
    opened.append(redis)
    await redis.connect()
    timelines = Timelines(redis)
    await timelines.create(1)
    assert await timelines.push([1, 2], encode_entry(new_post_id(), 3)) == 1


async def test_an_untrusted_certificate_is_reported_in_one_line(secured, certs):
    with pytest.raises(SetupError, match=r"certificate of Redis is not trusted.*MICROBLOG_REDIS_CA") as told:
        await Redis(secured.model_copy(update={"redis_ca": certs.other_ca})).connect()
    assert "\n" not in str(told.value)
