"""Glances in memory keep the contract, so that what is tested on them holds on the real ones."""

import pytest

from microblog_streams.errors import StoreUnavailable
from tests.contracts.glances import GlanceContract
from tests.fakes.caches import FakePostCache, FakeUserCache
from tests.fakes.glances import FakeGlances
from tests.fakes.timelines import FakeTimelines


@pytest.fixture
def timelines():
    return FakeTimelines()


@pytest.fixture
def post_cache():
    return FakePostCache()


@pytest.fixture
def user_cache():
    return FakeUserCache()


@pytest.fixture
def glances(timelines, post_cache, user_cache):
    return FakeGlances(timelines, post_cache, user_cache)


class TestFakeGlances(GlanceContract):
    """The contract."""


async def test_while_redis_is_down_it_says_so(glances, timelines):
    timelines.down = True

    with pytest.raises(StoreUnavailable, match="redis"):
        await glances.older(1, None, 1)
