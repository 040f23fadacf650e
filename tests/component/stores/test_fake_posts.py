"""The post store in memory keeps the promises that the real one keeps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.domain.ids import new_post_id
from microblog_streams.domain.models import Post
from tests.support.contracts.posts import PostStoreContract
from tests.support.fakes.posts import FakePosts

AUTHOR = 7
IDS = [new_post_id() for _ in range(8)]


class TestFakePosts(PostStoreContract):
    @pytest.fixture
    def posts(self):
        return FakePosts()


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(IDS))), st.integers(1, 4))
async def test_pages_hold_all_that_was_put_and_never_deleted(steps, limit):
    """Whatever came in whatever order, how often, and however long the pages are."""
    posts = FakePosts()
    for is_put, post_id in steps:
        await (posts.put(Post(post_id, AUTHOR, "x")) if is_put else posts.delete(post_id, AUTHOR))
    expected = {post_id for is_put, post_id in steps if is_put} - {post_id for is_put, post_id in steps if not is_put}
    pages = [await posts.newest(AUTHOR, None, limit)]
    while len(pages[-1]) == limit:
        pages.append(await posts.newest(AUTHOR, pages[-1][-1], limit))
    assert [post_id for page in pages for post_id in page] == sorted(expected, reverse=True)


async def test_a_store_that_is_down_says_so():
    posts = FakePosts()
    posts.down = True
    with pytest.raises(StoreUnavailable, match="cassandra"):
        await posts.newest(AUTHOR, None, 1)
