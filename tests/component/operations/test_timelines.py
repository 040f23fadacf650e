"""Pages of a timeline: from the list, past its end, without Redis, upwards and downwards, and never with a hole."""

from itertools import pairwise

import pytest

from microblog_streams.domain.errors import NotFound, StoreUnavailable
from microblog_streams.ports import TimelineState


@pytest.fixture
async def reader(world):
    """A user who follows two, whose timeline of 100 posts, of which 20 are kept, has been rebuilt."""
    reader, ann, bob = await world.people("reader", "ann", "bob")
    for author in (ann, bob, reader, ann, bob) * 20:
        world.wrote(author)
    await world.follow(reader, ann, bob)
    world.timelines.lists.pop(reader)
    await world.operations.timelines.older(reader, None, 1)
    assert world.timelines.lists[reader].state is TimelineState.PARTIAL
    return reader


@pytest.fixture
def older(world, reader):
    async def older(before, limit=10):
        return await world.operations.timelines.older(reader, before, limit)

    return older


@pytest.fixture
def newer(world, reader):
    async def newer(after, limit=10):
        return await world.operations.timelines.newer(reader, after, limit)

    return newer


def ids(page):
    return [item.id for item in page.items]


class TestOlder:
    async def test_scrolling_never_ends_before_the_posts_do(self, world, reader):
        for limit in (1, 7, 20, 21, 100, 101):
            assert await world.scroll(reader, limit) == world.expected(reader)

    async def test_the_last_page_says_so(self, world, reader, older):
        expected = world.expected(reader)
        assert (await older(expected[89])).next is None
        assert (await older(expected[88])).next == expected[98]

    async def test_every_page_leads_back_up(self, world, reader, newer):
        pages = await world.pages(reader)
        for above, below in pairwise(pages):
            assert ids(await newer(below.prev, 7)) == ids(above)

    async def test_without_redis_pages_come_from_the_posts(self, world, reader):
        world.redis_down = True
        assert await world.scroll(reader, 9) == world.expected(reader)

    async def test_redis_may_go_in_the_middle_of_a_page(self, world, reader, older, meanwhile):
        async def go():
            world.timelines.down = True

        world.timelines.lists.pop(reader)
        meanwhile(world.timelines, "begin", go)
        assert ids(await older(None)) == world.expected(reader)[:10]

    async def test_an_evicted_timeline_is_rebuilt(self, world, reader, older):
        world.timelines.lists.pop(reader)
        assert ids(await older(None)) == world.expected(reader)[:10]
        assert world.timelines.lists[reader].state is TimelineState.PARTIAL
        assert world.entries(reader) == [world.entry(post) for post in world.expected(reader)[:20]]

    @pytest.mark.parametrize("store", ["cassandra", "postgres"])
    async def test_without_the_posts_there_is_no_page_past_the_list(self, world, reader, older, store):
        expected = world.expected(reader)
        await older(None, 20)
        world.posts.down, world.database.away = store == "cassandra", store == "postgres"
        assert ids(await older(None)) == expected[:10]
        with pytest.raises(StoreUnavailable, match=store):
            await older(expected[50])

    async def test_unknown_users_have_no_timeline(self, world, reader):
        for call in (world.operations.timelines.older, world.operations.timelines.newer):
            with pytest.raises(NotFound):
                await call(99, world.expected(reader)[0], 10)

    async def test_an_empty_timeline_is_an_empty_page(self, world, reader):
        (new,) = await world.people("new")
        page = await world.operations.timelines.older(new, None, 10)
        assert (page.items, page.next, page.prev) == ([], None, None)


class TestNewer:
    async def test_it_is_what_lies_next_above(self, world, reader, newer):
        expected = world.expected(reader)
        for position in (5, 15, 30, 99):
            assert ids(await newer(expected[position])) == expected[max(position - 10, 0) : position]

    async def test_it_leads_on_upwards_and_back_down(self, world, reader, older, newer):
        expected = world.expected(reader)
        page = await newer(expected[40])
        assert ids(await newer(page.prev)) == expected[20:30]
        assert ids(await older(page.next)) == expected[40:50]

    async def test_nothing_newer_keeps_the_place(self, world, reader, older, newer):
        expected = world.expected(reader)
        page = await newer(expected[0])
        assert page.items == []
        assert ids(await older(page.next)) == expected[:10]
        (post,) = await world.write(reader, "new")
        assert ids(await newer(page.prev)) == [post]

    async def test_below_nothing_keeps_the_place(self, world, reader, older, newer):
        """The posts that were below are deleted when their page is asked for."""
        expected = world.expected(reader)
        for post in expected[95:]:
            await world.posts.delete(post, reader)
        page = await older(expected[94])
        assert page.items == []
        assert ids(await newer(page.prev, 3)) == expected[92:95]

    async def test_without_redis_it_comes_from_the_posts(self, world, reader, newer):
        world.redis_down = True
        expected = world.expected(reader)
        for position in (5, 30):
            assert ids(await newer(expected[position])) == expected[max(position - 10, 0) : position]

    async def test_deleted_posts_drop_out_and_the_page_is_filled_up(self, world, reader, newer):
        expected = world.expected(reader)
        for post in expected[12:18]:
            await world.operations.posts.delete(post)
        assert ids(await newer(expected[18], 5)) == expected[7:12]

    async def test_a_cold_timeline_is_rebuilt(self, world, reader, newer):
        expected = world.expected(reader)
        world.timelines.lists.pop(reader)
        assert ids(await newer(expected[15])) == expected[5:15]
        assert world.timelines.lists[reader].state is TimelineState.PARTIAL

    @pytest.mark.parametrize("method", ["older", "newer"])
    async def test_a_list_that_goes_between_two_looks_hides_nothing(self, world, reader, newer, method, meanwhile):
        """It is evicted, or trimmed until the position is below its tail."""
        expected = world.expected(reader)

        async def evict():
            world.timelines.lists.pop(reader, None)

        meanwhile(world.timelines, method, evict)
        assert ids(await newer(expected[15])) == expected[5:15]


class TestReadsByState:
    """Each read of a list counts once, by what the first look found."""

    @pytest.fixture
    def reads(self, world, reader):
        world.operations.timelines.reads.clear()
        return world.operations.timelines.reads

    async def test_a_kept_list_is_partial(self, older, reads):
        await older(None)
        assert reads == {"partial": 1}

    async def test_newer_posts_of_a_kept_list_count_too(self, world, reader, newer, reads):
        await newer(world.expected(reader)[15], 5)
        assert reads == {"partial": 1}

    async def test_a_list_that_is_not_there_is_cold(self, world, reader, older, reads):
        world.timelines.lists.pop(reader)
        await older(None)
        assert reads == {"cold": 1}

    async def test_without_redis_it_is_away(self, world, older, reads):
        world.redis_down = True
        await older(None)
        assert reads == {"away": 1}
