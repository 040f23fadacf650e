"""What every PostCache, UserCache and PageCache does. Bind to one with a fixture ``cache``; ids are drawn at random.

So it may be shared. A PageCache is bound with ``pages``, beside the other two, ``posts`` and ``users``.
"""

from datetime import UTC, datetime
from secrets import randbelow

import pytest

from microblog_streams.domain.ids import encode_entry, new_post_id
from microblog_streams.domain.models import Post, PostView, User
from microblog_streams.ports import PageCache, PostCache, UserCache

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


class PageCacheContract:
    """The promises of ``interfaces.PageCache``, StoreUnavailable aside."""

    @pytest.fixture
    async def ann(self, users: UserCache) -> User:
        """An author, who is cached."""
        user = User(1 + randbelow(2**62), "ann", JOINED)
        await users.fill([user])
        return user

    @pytest.fixture
    async def post(self, posts: PostCache, ann: User) -> Post:
        """A post of hers, which is cached."""
        post = Post(new_post_id(), ann.id, 'Ünïcode, 👩‍🚀,\n tab\t, "quote" and \\ too')
        await posts.fill([post])
        return post

    async def test_it_shows_the_posts_in_the_order_of_their_entries(
        self, pages: PageCache, posts: PostCache, ann: User, post: Post
    ):
        other = Post(new_post_id(), ann.id, "newer")
        await posts.fill([other])
        for _ in range(2):  # the second time from what the first one kept
            page = await pages.page([entry(post), entry(other), entry(post)], ann.id)
            assert page.shown == [view(post, ann), view(other, ann), view(post, ann)]
            assert page.users == {ann.id: ann}

    async def test_the_owner_need_not_be_an_author(self, pages: PageCache, users: UserCache, ann: User, post: Post):
        owner = User(ann.id + 1, "owner", JOINED)
        assert (await pages.page([entry(post)], owner.id)).users.get(owner.id) is None
        await users.fill([owner])
        assert (await pages.page([entry(post)], owner.id)).users[owner.id] == owner
        await users.delete(owner.id)
        page = await pages.page([entry(post)], owner.id)
        assert (page.shown, page.users[owner.id]) == ([view(post, ann)], None)

    async def test_without_entries_it_tells_of_the_owner(self, pages: PageCache, ann: User):
        assert await pages.page([], ann.id) == ([], {ann.id: ann}, {})
        page = await pages.page([], ann.id + 1)
        assert (page.shown, page.users) == ([], {})

    async def test_a_deleted_post_is_not_shown(self, pages: PageCache, posts: PostCache, ann: User, post: Post):
        other = Post(new_post_id(), ann.id, "stays")
        await posts.fill([other])
        await pages.page([entry(other), entry(post)], ann.id)
        await posts.delete(post.id, ann.id)
        for _ in range(2):
            assert (await pages.page([entry(other), entry(post)], ann.id)).shown == [view(other, ann)]

    async def test_no_post_of_a_deleted_author_is_shown(
        self, pages: PageCache, users: UserCache, ann: User, post: Post
    ):
        owner = User(ann.id + 1, "owner", JOINED)
        await users.fill([owner])
        await pages.page([entry(post)], owner.id)
        await users.delete(ann.id)
        for _ in range(2):
            assert (await pages.page([entry(post)], owner.id)).shown == []

    async def test_where_a_post_is_missing_it_returns_what_there_is(self, pages: PageCache, ann: User, post: Post):
        missing = Post(new_post_id(), ann.id, "in the store only")
        for _ in range(2):
            assert await pages.page([entry(missing), entry(post)], ann.id) == (None, {ann.id: ann}, {post.id: post})

    async def test_where_an_author_is_missing_it_returns_what_there_is(
        self, pages: PageCache, posts: PostCache, ann: User, post: Post
    ):
        stranger = Post(new_post_id(), ann.id + 1, "by a stranger")
        await posts.fill([stranger])
        page = await pages.page([entry(stranger), entry(post)], ann.id)
        assert page == (None, {ann.id: ann}, {stranger.id: stranger, post.id: post})


def entry(post: Post) -> bytes:
    return encode_entry(post.id, post.author)


def view(post: Post, author: User) -> PostView:
    return PostView(post.id, post.author, author.username, post.content)
