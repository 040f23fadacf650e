"""The caches in memory keep the promises that the real ones keep."""

import pytest

from microblog_streams.domain.errors import StoreUnavailable
from tests.support.contracts.caches import PageCacheContract, PostCacheContract, UserCacheContract
from tests.support.fakes.caches import FakePageCache, FakePostCache, FakeUserCache


class TestFakePostCache(PostCacheContract):
    @pytest.fixture
    def cache(self):
        return FakePostCache()


class TestFakeUserCache(UserCacheContract):
    @pytest.fixture
    def cache(self):
        return FakeUserCache()


class TestFakePageCache(PageCacheContract):
    @pytest.fixture
    def posts(self):
        return FakePostCache()

    @pytest.fixture
    def users(self):
        return FakeUserCache()

    @pytest.fixture
    def pages(self, posts, users):
        return FakePageCache(posts, users)


@pytest.mark.parametrize("make", [FakePostCache, FakeUserCache])
async def test_a_cache_that_is_down_says_so(make):
    cache = make()
    cache.down = True
    with pytest.raises(StoreUnavailable, match="redis"):
        await cache.get_many([])
