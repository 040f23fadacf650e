"""Glances on real servers, Valkey and Redis: the contract, what one costs, and what only a server can expire."""

import random

import pytest

from microblog_streams.errors import StoreUnavailable
from microblog_streams.ids import encode_entry, new_post_id
from microblog_streams.records import User
from microblog_streams.stores.caches import PostCache, UserCache
from microblog_streams.stores.glances import Glances
from microblog_streams.stores.redis import Redis
from microblog_streams.stores.timelines import UNREAD, Timelines, key
from tests.contracts.glances import HIGHEST, JOINED, GlanceContract

pytestmark = pytest.mark.integration

DAY = UNREAD // 30
BROKEN = [b"", b"null", b"{", b'{"author": 3, "content": 5}', b'{"author":x,"content":""}', b"7", b"\xff\xfe"]


@pytest.fixture(scope="session", params=["stack", "redis_server"])
def redis_settings(request):
    """Settings of one server each: on a cluster nothing is known at a glance."""
    server = request.getfixturevalue(request.param)
    return server.settings if request.param == "stack" else server


@pytest.fixture
def timelines(redis):
    return Timelines(redis)


@pytest.fixture
def post_cache(redis):
    return PostCache(redis)


@pytest.fixture
def user_cache(redis):
    return UserCache(redis)


@pytest.fixture
def glances(redis):
    return Glances(redis)


@pytest.fixture
async def user(timelines, user_cache):
    """Somebody with an empty timeline."""
    user = random.getrandbits(62)
    await user_cache.fill([User(user, "reader", JOINED)])
    await timelines.create(user)
    return user


class TestGlances(GlanceContract):
    """The contract, on each server."""


async def test_a_glance_counts_as_a_read_once_a_day_is_gone(redis, glances, user):
    await redis.client.pexpire(key(user), UNREAD - 2 * DAY)
    assert await glances.older(user, None, 5) == []
    assert await redis.client.pttl(key(user)) > UNREAD - DAY


async def test_a_glance_anywhere_but_at_the_head_extends_nothing(redis, glances, user):
    await redis.client.pexpire(key(user), DAY)
    assert await glances.older(user, HIGHEST, 5) == []
    assert await glances.newer(user, HIGHEST, 5) == []
    assert 0 < await redis.client.pttl(key(user)) <= DAY


@pytest.mark.parametrize("raw", BROKEN)
async def test_a_post_that_nobody_can_read_is_not_known(redis, glances, timelines, user, raw):
    post = new_post_id()
    await timelines.push([user], encode_entry(post, user))
    await redis.client.set(f"post:{post}", raw, ex=60)
    assert await glances.older(user, None, 5) is None


async def test_a_glance_is_one_call(redis, glances, user):
    await glances.older(user, None, 5)
    before = await _calls(redis)
    await glances.older(user, None, 5)
    assert await _calls(redis) == before + 1


async def test_without_a_connection_the_store_is_unavailable(redis_settings):
    away = Glances(Redis(redis_settings))
    with pytest.raises(StoreUnavailable):
        await away.older(1, None, 1)


async def _calls(redis):
    """Return how many functions the server was asked for."""
    return (await redis.client.info("commandstats"))["cmdstat_fcall"]["calls"]
