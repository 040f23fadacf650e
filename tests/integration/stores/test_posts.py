"""The post store on a real Cassandra: the contract, and what happens when it stops answering."""

import asyncio

import pytest
import pytest_asyncio

from microblog_streams.domain.errors import NoAnswer, StoreUnavailable
from microblog_streams.domain.ids import new_post_id
from microblog_streams.domain.models import Post
from microblog_streams.stores.cassandra.connection import Cassandra
from microblog_streams.stores.cassandra.keyspace import migrate
from microblog_streams.stores.cassandra.posts import Posts
from tests.support.connections import opened
from tests.support.contracts.posts import PostStoreContract
from tests.support.waiting import DEADLINE_SECONDS

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def posts(keyspace_settings):
    await migrate(keyspace_settings)
    cassandra = Cassandra(keyspace_settings)
    posts = Posts(cassandra)
    async with opened(cassandra):
        yield posts


@pytest_asyncio.fixture(loop_scope="module")
async def impatient(posts, keyspace_settings):
    """A connection that waits half a second and has two requests under way."""
    cassandra = Cassandra(keyspace_settings.model_copy(update={"store_timeout": 0.5, "cassandra_in_flight": 2}))
    impatient = Posts(cassandra)
    async with opened(cassandra):
        yield impatient


@pytest.fixture
def post():
    return Post(new_post_id(), 1, "here")


class TestPosts(PostStoreContract):
    """The contract, on the real server."""


class TestOutage:
    async def test_a_frozen_server_is_unavailable_and_used_again_once_it_answers(
        self, stack, impatient, post, eventually
    ):
        await eventually(lambda: impatient.put(post), StoreUnavailable)
        stack.stack.pause("cassandra")
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                answers = await asyncio.gather(
                    *(impatient.get_many([post.id]) for _ in range(20)), return_exceptions=True
                )
        finally:
            stack.stack.resume("cassandra")
        assert [type(answer) for answer in answers] == [NoAnswer] * 20
        assert await eventually(lambda: impatient.get_many([post.id]), StoreUnavailable) == {post.id: post}

    async def test_a_cancelled_caller_affects_no_other_caller(self, stack, impatient, post, eventually):
        """More calls are given up than requests may be under way; afterwards all of them can be again."""
        await eventually(lambda: impatient.put(post), StoreUnavailable)
        stack.stack.pause("cassandra")
        try:
            calls = [asyncio.create_task(impatient.get_many([post.id])) for _ in range(10)]
            for _ in range(10):  # turns of the loop: enough for two of them to be sent
                await asyncio.sleep(0)
            for call in calls:
                call.cancel()
            assert all(
                isinstance(end, asyncio.CancelledError) for end in await asyncio.gather(*calls, return_exceptions=True)
            )
        finally:
            stack.stack.resume("cassandra")

        async def all_at_once():
            return await asyncio.gather(*(impatient.get_many([post.id]) for _ in range(10)))

        assert await eventually(all_at_once, StoreUnavailable) == [{post.id: post}] * 10

    async def test_acknowledged_writes_survive_a_power_failure(self, stack, posts, eventually):
        written = [Post(new_post_id(), 2, str(number)) for number in range(200)]
        await asyncio.gather(*map(posts.put, written))
        stack.stack.kill("cassandra")
        with pytest.raises(StoreUnavailable):
            await posts.get_many([written[0].id])
        await asyncio.to_thread(stack.stack.restart, "cassandra")
        ids = [post.id for post in written]
        assert len(await eventually(lambda: posts.get_many(ids), StoreUnavailable)) == 200
        assert await eventually(lambda: posts.newest(2, None, 300), StoreUnavailable) == ids[::-1]
