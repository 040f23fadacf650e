"""How many timelines are warm, on real servers, in a database of the test's own; a cluster has one, emptied before."""

import pytest
from pydantic import SecretStr

from microblog_streams.stores.redis.address import is_cluster
from microblog_streams.stores.redis.connection import Redis
from microblog_streams.stores.redis.timeline_keys import TimelineCount, WarmCount
from microblog_streams.stores.redis.timelines import Timelines
from tests.support.connections import opened

DATABASE = 7


@pytest.fixture
async def alone(redis_settings):
    """A connection to an empty database, emptied again."""
    address = redis_settings.redis_url.get_secret_value().rpartition("/")[0]
    own = redis_settings.model_copy(update={"redis_url": SecretStr(f"{address}/{DATABASE}")})
    async with opened(Redis(redis_settings if is_cluster(redis_settings) else own)) as redis:
        await redis.run_on_all(_emptied)
        yield redis
        await redis.run_on_all(_emptied)


async def _emptied(server):
    await server.execute("FLUSHDB")


@pytest.fixture
async def filled(alone):
    """30 timelines among 90 other keys."""
    timelines = Timelines(alone)
    for user in range(1, 31):
        await timelines.create(user)
    async with alone.translated() as client:
        for number in range(90):
            await client.set(f"body:{number}", b"")
    return alone


async def test_a_small_number_of_keys_is_counted_exactly(filled):
    assert await TimelineCount(filled).warm() == WarmCount(30, exact=True, looked_at=120)


async def test_a_sample_of_many_users_has_some(filled):
    """Eight standard deviations of room: the test is not one of luck."""
    warm = await TimelineCount(filled, counted=10).warm()

    assert (warm.exact, warm.looked_at) == (False, 400)
    assert 9 <= warm.timelines <= 51


async def test_no_unknown_timeline_is_warm(alone):
    assert await TimelineCount(alone).warm() == WarmCount(0, exact=True, looked_at=0)
    assert await TimelineCount(alone, counted=-1).warm() == WarmCount(0, exact=False, looked_at=0)
