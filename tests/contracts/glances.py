"""What every GlanceStore does. A binding gives ``glances`` and, on the same Redis, ``timelines`` and both caches."""

import random
from datetime import UTC, datetime
from uuid import UUID

import pytest

from microblog_streams.ids import encode_entry, new_post_id
from microblog_streams.records import Post, User
from microblog_streams.stores.interfaces import Glimpse

JOINED = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
#: Posts of the readers' timelines, and a length that leaves a few out.
POSTS, SOME = 12, 8
HIGHEST = UUID(int=2**128 - 1)


class Reader:
    """Somebody with a timeline of ``POSTS`` posts by two authors, all of it in the caches."""

    def __init__(self, timelines, post_cache, user_cache):
        self.timelines, self.post_cache, self.user_cache = timelines, post_cache, user_cache
        self.id, self.ann, self.bob = (random.getrandbits(62) for _ in range(3))
        # An id that no floating-point number can hold: Lua has no others.
        self.bob |= 2**62 + 1
        self.names = {self.id: "reader", self.ann: "ann", self.bob: "b\u00f6b"}
        self.posts = []

    async def write(self, author):
        post = Post(new_post_id(), author, '"deleted":true} and {"author":1,"deleted" \u674e')
        self.posts.insert(0, post)
        await self.post_cache.fill([post])
        await self.timelines.push([self.id], encode_entry(post.id, author))

    def glimpses(self, posts=None):
        posts = self.posts if posts is None else posts
        return [Glimpse(post.id, post.author, self.names[post.author]) for post in posts]


class GlanceContract:
    @pytest.fixture
    async def reader(self, timelines, post_cache, user_cache):
        reader = Reader(timelines, post_cache, user_cache)
        await user_cache.fill([User(user, name, JOINED) for user, name in reader.names.items()])
        await timelines.create(reader.id)
        for number in range(POSTS):
            await reader.write((reader.ann, reader.bob)[number % 2])
        return reader

    @pytest.fixture
    async def partial(self, reader):
        """The same reader, whose list ends with posts of which older ones exist elsewhere."""
        await reader.timelines.remove(reader.id)
        building = await reader.timelines.begin(reader.id)
        entries = [encode_entry(post.id, post.author) for post in reader.posts]
        assert await reader.timelines.finish(reader.id, building, entries, complete=False)
        return reader

    async def test_the_head_is_the_newest_posts_with_their_authors_names(self, glances, reader):
        assert await glances.older(reader.id, None, SOME) == reader.glimpses()[:SOME]

    async def test_a_complete_timeline_is_known_to_its_end(self, glances, reader):
        assert await glances.older(reader.id, None, 100) == reader.glimpses()
        assert await glances.older(reader.id, reader.posts[-1].id, 5) == []

    async def test_a_page_begins_below_its_position(self, glances, reader):
        assert await glances.older(reader.id, reader.posts[2].id, 4) == reader.glimpses()[3:7]
        assert await glances.older(reader.id, HIGHEST, 2) == reader.glimpses()[:2]

    async def test_newer_is_what_lies_next_above(self, glances, reader):
        assert await glances.newer(reader.id, reader.posts[6].id, 3) == reader.glimpses()[3:6]
        assert await glances.newer(reader.id, reader.posts[2].id, 20) == reader.glimpses()[:2]
        assert await glances.newer(reader.id, reader.posts[0].id, 20) == []

    async def test_an_empty_timeline_is_known_too(self, glances, timelines, user_cache):
        user = random.getrandbits(62)
        await user_cache.fill([User(user, "new", JOINED)])
        await timelines.create(user)
        assert await glances.older(user, None, 5) == []

    async def test_a_deleted_post_drops_out_and_the_page_is_filled_up(self, glances, reader):
        gone = reader.posts.pop(1)
        await reader.post_cache.delete(gone.id, gone.author)
        assert await glances.older(reader.id, None, SOME) == reader.glimpses()[:SOME]
        assert await glances.newer(reader.id, reader.posts[SOME].id, SOME) == reader.glimpses()[:SOME]

    async def test_the_posts_of_a_deleted_user_drop_out(self, glances, reader):
        await reader.user_cache.delete(reader.bob)
        anns = [post for post in reader.posts if post.author == reader.ann]
        assert await glances.older(reader.id, None, 100) == reader.glimpses(anns)
        assert await glances.newer(reader.id, anns[2].id, 2) == reader.glimpses(anns[:2])

    async def test_a_deleted_post_needs_no_author(self, glances, reader, timelines, user_cache):
        """Of a deleted user the posts are marked one by one; the mark of the user goes after an hour."""
        post = Post(new_post_id(), random.getrandbits(62), "", deleted=True)
        await reader.post_cache.fill([post])
        await timelines.push([reader.id], encode_entry(post.id, post.author))
        assert await glances.older(reader.id, None, 3) == reader.glimpses()[:3]

    async def test_a_page_with_a_post_that_is_not_cached_is_not_known(self, glances, reader):
        missing = new_post_id()
        await reader.timelines.push([reader.id], encode_entry(missing, reader.ann))
        assert await glances.older(reader.id, None, 3) is None
        assert await glances.newer(reader.id, reader.posts[0].id, 3) is None
        assert await glances.older(reader.id, missing, 3) == reader.glimpses()[:3]

    async def test_what_is_not_cached_beyond_the_page_does_not_matter(self, glances, reader):
        await reader.timelines.push([reader.id], encode_entry(UUID(int=1), reader.ann))
        assert await glances.older(reader.id, None, POSTS) == reader.glimpses()
        assert await glances.older(reader.id, None, POSTS + 1) is None

    async def test_a_page_by_somebody_who_is_not_cached_is_not_known(self, glances, reader):
        post = Post(new_post_id(), random.getrandbits(62), "by a stranger")
        await reader.post_cache.fill([post])
        await reader.timelines.push([reader.id], encode_entry(post.id, post.author))
        assert await glances.older(reader.id, None, 3) is None

    async def test_a_partial_timeline_is_known_down_to_its_tail(self, glances, partial):
        assert await glances.older(partial.id, None, POSTS) == partial.glimpses()
        assert await glances.older(partial.id, None, POSTS + 1) is None
        assert await glances.older(partial.id, partial.posts[-3].id, 3) is None
        assert await glances.newer(partial.id, partial.posts[-1].id, 2) == partial.glimpses()[-3:-1]
        assert await glances.newer(partial.id, UUID(int=1), 2) is None

    async def test_a_page_that_too_many_deletions_empty_is_not_known(self, glances, partial):
        for post in partial.posts[: POSTS - 2]:
            await partial.post_cache.delete(post.id, post.author)
        assert await glances.older(partial.id, None, 4) is None

    async def test_a_cold_timeline_is_not_known(self, glances, reader):
        await reader.timelines.remove(reader.id)
        assert await glances.older(reader.id, None, 3) is None
        assert await glances.newer(reader.id, reader.posts[3].id, 3) is None

    async def test_one_that_is_being_built_is_not_known(self, glances, reader):
        await reader.timelines.remove(reader.id)
        await reader.timelines.begin(reader.id)
        await reader.timelines.push([reader.id], encode_entry(reader.posts[0].id, reader.posts[0].author))
        assert await glances.older(reader.id, None, 1) is None
        assert await glances.newer(reader.id, UUID(int=1), 1) is None

    @pytest.mark.parametrize("deleted", [True, False])
    async def test_an_owner_who_is_deleted_or_not_cached_is_not_known(self, glances, timelines, user_cache, deleted):
        user = random.getrandbits(62)
        await timelines.create(user)
        if deleted:
            await user_cache.delete(user)
        assert await glances.older(user, None, 3) is None
        assert await glances.newer(user, UUID(int=1), 3) is None
