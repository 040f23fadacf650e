"""The caches in memory keep the promises that the real ones keep."""

import pytest

from microblog_streams.domain.errors import StoreUnavailable
from tests.support.contracts.caches import PostCacheContract, UserCacheContract
from tests.support.fakes.caches import FakePostCache, FakeUserCache


class TestFakePostCache(PostCacheContract):
    @pytest.fixture
    def cache(self):
        return FakePostCache()


class TestFakeUserCache(UserCacheContract):
    @pytest.fixture
    def cache(self):
        return FakeUserCache()


@pytest.mark.parametrize("make", [FakePostCache, FakeUserCache])
async def test_a_cache_that_is_down_says_so(make):
    cache = make()
    cache.down = True
    with pytest.raises(StoreUnavailable, match="redis"):
        await cache.get_many([])
