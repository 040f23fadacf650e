"""What every PostCache and UserCache does. Bind to one with a fixture ``cache``; ids are drawn, so it may be shared."""

from datetime import UTC, datetime
from secrets import randbelow

import pytest

from microblog_streams.domain.ids import new_post_id
from microblog_streams.domain.models import Post, User
from microblog_streams.ports import PostCache, UserCache

JOINED = datetime(2026, 2, 3, 4, 5, 6, 789012, tzinfo=UTC)


class PostCacheContract:
    """The promises of ``interfaces.PostCache``, StoreUnavailable aside."""

    async def test_filled_values_are_found(self, cache: PostCache):
        posts = [
            Post(new_post_id(), 2**63 - 1, 'Ünïcode, 👩‍🚀,\n tab\t, "quote" and \\ too'),
            Post(new_post_id(), 2, "x"),
        ]
        await cache.fill(posts)
        assert await cache.get_many([post.id for post in posts]) == {post.id: post for post in posts}

    async def test_values_that_were_not_filled_are_missing(self, cache: PostCache):
        post = Post(new_post_id(), 1, "here")
        await cache.fill([post])
        assert await cache.get_many([new_post_id(), post.id, new_post_id()]) == {post.id: post}

    async def test_empty_requests_read_and_fill_nothing(self, cache: PostCache):
        await cache.fill([])
        assert await cache.get_many([]) == {}

    async def test_a_repeated_id_is_returned_once(self, cache: PostCache):
        post = Post(new_post_id(), 1, "here")
        await cache.fill([post])
        assert await cache.get_many([post.id, post.id]) == {post.id: post}

    async def test_a_deletion_replaces_the_text(self, cache: PostCache):
        post = Post(new_post_id(), 5, "gone soon")
        await cache.fill([post])
        await cache.delete(post.id, post.author)
        assert await cache.get_many([post.id]) == {post.id: Post(post.id, 5, "", deleted=True)}

    async def test_filling_never_replaces_the_mark_of_a_deletion(self, cache: PostCache):
        """A reader that read the store before the deletion fills after it."""
        post = Post(new_post_id(), 5, "read before")
        await cache.delete(post.id, post.author)
        await cache.fill([post, Post(new_post_id(), 5, "another")])
        assert await cache.get_many([post.id]) == {post.id: Post(post.id, 5, "", deleted=True)}

    async def test_a_deleted_post_in_the_store_sets_the_cache_mark(self, cache: PostCache):
        """Also over a text: what the store says of a deletion is final."""
        post = Post(new_post_id(), 5, "left behind")
        await cache.fill([post])
        await cache.fill([Post(post.id, 5, "", deleted=True)])
        assert await cache.get_many([post.id]) == {post.id: Post(post.id, 5, "", deleted=True)}

    async def test_it_knows_whether_the_store_has_a_post(self, cache: PostCache):
        post = Post(new_post_id(), 1, 'a text, "written":true}')
        assert not await cache.stored(post.id)
        await cache.fill([post])
        assert not await cache.stored(post.id)
        other = Post(new_post_id(), 1, "a text")
        await cache.fill([other], stored=True)
        assert await cache.stored(other.id)

    async def test_a_post_that_is_stored_stays_so(self, cache: PostCache):
        post = Post(new_post_id(), 1, "a text")
        await cache.fill([post], stored=True)
        await cache.fill([post])
        assert await cache.stored(post.id)
        assert await cache.get_many([post.id]) == {post.id: post}

    async def test_it_does_not_return_a_deleted_post(self, cache: PostCache):
        post = Post(new_post_id(), 1, "here")
        await cache.fill([post], stored=True)
        await cache.delete(post.id, post.author)
        assert not await cache.stored(post.id)


class UserCacheContract:
    """The promises of ``interfaces.UserCache``, StoreUnavailable aside."""

    @pytest.fixture
    def user(self) -> int:
        return 1 + randbelow(2**62)

    async def test_filled_values_are_found(self, cache: UserCache, user: int):
        users = [User(user, "ada.lovelace-1_é", JOINED), User(2**63 - 1, "b", JOINED)]
        await cache.fill(users)
        assert await cache.get_many({one.id for one in users}) == {one.id: one for one in users}

    async def test_values_that_were_not_filled_are_missing(self, cache: UserCache, user: int):
        assert await cache.get_many([user]) == {}

    async def test_empty_requests_read_and_fill_nothing(self, cache: UserCache):
        await cache.fill([])
        assert await cache.get_many([]) == {}

    async def test_a_deletion_replaces_the_user(self, cache: UserCache, user: int):
        await cache.fill([User(user, "ada", JOINED)])
        await cache.delete(user)
        assert await cache.get_many([user]) == {user: None}

    async def test_filling_never_replaces_the_mark_of_a_deletion(self, cache: UserCache, user: int):
        await cache.delete(user)
        await cache.fill([User(user, "ada", JOINED)])
        assert await cache.get_many([user]) == {user: None}

    async def test_filling_never_replaces_a_user(self, cache: UserCache, user: int):
        await cache.fill([User(user, "first", JOINED)])
        await cache.fill([User(user, "second", JOINED)])
        assert await cache.get_many([user]) == {user: User(user, "first", JOINED)}
