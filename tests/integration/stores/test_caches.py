"""The caches on a real server: the contracts, how long things stay, and undecodable values."""

from secrets import randbelow

import pytest

from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.domain.ids import new_post_id
from microblog_streams.domain.models import Post, User
from microblog_streams.stores.redis import caches
from microblog_streams.stores.redis.caches import (
    MARK_SECONDS,
    MAX_KEPT_BYTES,
    POST_SECONDS,
    USER_SECONDS,
    PageCache,
    PostCache,
    UserCache,
)
from microblog_streams.stores.redis.connection import Redis
from tests.support.connections import opened
from tests.support.contracts.caches import (
    JOINED,
    PageCacheContract,
    PostCacheContract,
    UserCacheContract,
    entry,
    view,
)

pytestmark = pytest.mark.integration

BROKEN = [
    b"",
    b"null",
    b"{",
    b"[]",
    b"{}",
    b'{"author": "x", "content": 5}',
    b"\xff\xfe",
    b'{"deleted": false, "author": 1}',
]


@pytest.fixture
def post():
    return Post(new_post_id(), 3, "here")


async def calls_of(redis):
    """How many multi-gets the server was sent."""
    return (await redis.client.info("commandstats")).get("cmdstat_mget", {"calls": 0})["calls"]


class TestPostCache(PostCacheContract):
    @pytest.fixture
    def cache(self, redis):
        return PostCache(redis)

    async def test_a_body_stays_a_day_and_its_mark_an_hour(self, redis, cache, post):
        await cache.fill([post])
        assert POST_SECONDS - 60 < await redis.client.ttl(f"post:{post.id}") <= POST_SECONDS
        await cache.delete(post.id, post.author)
        assert MARK_SECONDS - 60 < await redis.client.ttl(f"post:{post.id}") <= MARK_SECONDS

    async def test_a_workers_writes_are_known_to_the_others(self, redis, cache, post):
        await cache.fill([post], stored=True)
        assert await PostCache(redis).stored(post.id)

    async def test_the_stored_marks_of_older_releases_are_not_trusted(self, redis, cache, post):
        await redis.client.set(f"post:{post.id}", b'{"author":3,"content":"here","stored":true}', ex=60)
        assert await cache.get_many([post.id]) == {post.id: post}
        assert not await cache.stored(post.id)

    async def test_a_worker_knows_its_own_writes_without_a_lookup(self, cache, post):
        await cache.fill([post], stored=True)
        cache._redis = None
        assert await cache.stored(post.id)

    async def test_it_remembers_no_more_than_it_may(self, redis, cache, monkeypatch):
        monkeypatch.setattr(caches, "MAX_STORED_POSTS", 2)
        posts = [Post(new_post_id(), 3, "here") for _ in range(3)]
        await cache.fill(posts, stored=True)
        assert list(cache._stored) == [post.id for post in posts[1:]]

    @pytest.mark.parametrize("raw", BROKEN)
    async def test_an_undecodable_value_is_missing_and_logged(self, redis, cache, post, caplog, raw):
        await redis.client.set(f"post:{post.id}", raw, ex=60)
        assert await cache.get_many([post.id]) == {}
        assert f"cache_value_broken of={post.id}" in caplog.text


class TestUserCache(UserCacheContract):
    @pytest.fixture
    def cache(self, redis):
        return UserCache(redis)

    async def test_a_user_and_the_mark_stay_an_hour(self, redis, cache, user):
        await cache.fill([User(user, "ada", JOINED)])
        assert USER_SECONDS - 60 < await redis.client.ttl(f"user:{user}") <= USER_SECONDS
        await redis.client.persist(f"user:{user}")
        await cache.delete(user)
        assert MARK_SECONDS - 60 < await redis.client.ttl(f"user:{user}") <= MARK_SECONDS

    @pytest.mark.parametrize("raw", BROKEN)
    async def test_an_undecodable_value_is_missing_and_logged(self, redis, cache, user, caplog, raw):
        await redis.client.set(f"user:{user}", raw, ex=60)
        assert await cache.get_many([user]) == {}
        assert f"cache_value_broken of={user}" in caplog.text

    async def test_a_new_era_forgets_the_users_of_the_one_before(self, redis, user):
        """PostgreSQL may have lost them."""
        era = [0]
        cache = UserCache(redis, lambda: era[0])
        await cache.fill([User(user, "ada", JOINED)])
        await cache.delete(user + 1)
        era[0] = 1
        assert await cache.get_many([user, user + 1]) == {}
        await cache.fill([User(user, "eve", JOINED)])
        assert (await cache.get_many([user]))[user].username == "eve"


class TestPageCache(PageCacheContract):
    @pytest.fixture
    def pages(self, redis):
        return PageCache(redis)

    @pytest.fixture
    def posts(self, redis):
        return PostCache(redis)

    @pytest.fixture
    def users(self, redis):
        return UserCache(redis)

    async def test_it_asks_once(self, redis, pages, ann, post):
        before = await calls_of(redis)
        await pages.page([entry(post)], ann.id)
        # On a cluster it is a call for each of the servers.
        assert redis.clustered or await calls_of(redis) == before + 1

    async def test_a_view_is_made_once_for_all_pages_and_all_readers(self, pages, ann, post):
        first, second = [(await pages.page([entry(post)], ann.id)).shown for _ in range(2)]
        assert first[0] is second[0]

    async def test_another_value_is_another_view(self, redis, pages, ann, post):
        await pages.page([entry(post)], ann.id)
        await redis.client.set(f"user:{ann.id}", b'{"username":"anna","created_at":"2026-02-03T04:05:06Z"}', ex=60)
        assert [each.username for each in (await pages.page([entry(post)], ann.id)).shown] == ["anna"]
        await redis.client.set(f"post:{post.id}", b'{"author":%d,"content":"other"}' % ann.id, ex=60)
        assert [each.content for each in (await pages.page([entry(post)], ann.id)).shown] == ["other"]

    async def test_views_of_long_posts_are_not_kept(self, pages, posts, ann):
        long = Post(new_post_id(), ann.id, "x" * MAX_KEPT_BYTES)
        await posts.fill([long])
        first, second = [(await pages.page([entry(long)], ann.id)).shown for _ in range(2)]
        assert first == second == [view(long, ann)]
        assert first[0] is not second[0]

    @pytest.mark.parametrize("raw", BROKEN)
    async def test_an_unreadable_post_is_missing_and_logged(self, redis, pages, ann, post, caplog, raw):
        await redis.client.set(f"post:{post.id}", raw, ex=60)
        assert await pages.page([entry(post)], ann.id) == (None, {ann.id: ann}, {})
        assert f"cache_value_broken of={post.id}" in caplog.text

    async def test_in_another_era_no_user_of_the_one_before_is_known(self, redis, posts):
        """PostgreSQL may have lost them."""
        era = [0]
        pages, users = PageCache(redis, lambda: era[0]), UserCache(redis, lambda: era[0])
        ada = User(1 + randbelow(2**62), "ada", JOINED)
        post = Post(new_post_id(), ada.id, "here")
        await users.fill([ada])
        await posts.fill([post])
        assert (await pages.page([entry(post)], ada.id)).shown == [view(post, ada)]
        era[0] = 1
        assert await pages.page([entry(post)], ada.id) == (None, {}, {post.id: post})


class TestOutage:
    @pytest.fixture
    async def impatient(self, stack):
        async with opened(Redis(stack.settings.model_copy(update={"store_timeout": 0.5}))) as redis:
            yield redis

    async def test_a_frozen_server_is_unavailable_and_used_again_once_it_answers(
        self, stack, impatient, post, eventually
    ):
        cache = PostCache(impatient)
        await eventually(lambda: cache.fill([post]), StoreUnavailable)
        stack.stack.pause("valkey")
        try:
            with pytest.raises(StoreUnavailable, match="redis"):
                await cache.get_many([post.id])
        finally:
            stack.stack.resume("valkey")
        assert await eventually(lambda: cache.get_many([post.id]), StoreUnavailable) == {post.id: post}

    async def test_a_killed_server_is_used_again_after_its_restart(self, stack, impatient, post, eventually):
        cache = PostCache(impatient)
        await eventually(lambda: cache.fill([post]), StoreUnavailable)
        stack.stack.kill("valkey")
        with pytest.raises(StoreUnavailable, match="redis"):
            await cache.get_many([post.id])
        stack.stack.restart("valkey")
        await eventually(lambda: cache.fill([post]), StoreUnavailable)
        assert await eventually(lambda: cache.get_many([post.id]), StoreUnavailable) == {post.id: post}
