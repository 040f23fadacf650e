"""Any way through a timeline that is longer than what is kept of it shows every post once."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microblog_streams.stores.redis.timelines import KEPT_ENTRIES
from tests.support.examples import examples
from tests.support.fakes.world import World

POSTS = 2_000


async def test_2000_posts_are_scrolled_through_by_pages_of_20():
    world = World(kept=KEPT_ENTRIES)
    reader, *authors = await world.people("reader", *"abcdefghi")
    for number in range(POSTS):
        world.wrote(authors[number % len(authors)])
    await world.follow(reader, *authors)
    seen = await world.scroll(reader, 20)
    assert len(seen) == POSTS
    assert seen == world.expected(reader)


@pytest.fixture(scope="module")
def long():
    """A world whose reader (1) has a timeline of 120 posts, of which 20 are kept, with deleted ones all over."""

    async def make():
        world = World()
        reader, *authors = await world.people("reader", *"abcd")
        await world.follow(reader, *authors)
        for number in range(150):
            (post,) = await world.write(authors[number * number % len(authors)], "text")
            if number % 5 == 0:
                await world.operations.posts.delete(post)
        await world.deliver()
        return world

    return asyncio.run(make())


STEPS = st.lists(st.tuples(st.booleans(), st.integers(1, 30)), min_size=1, max_size=40)


@given(sizes=st.lists(st.integers(1, 40), min_size=1, max_size=8), down=st.booleans())
@settings(max_examples=examples(60), deadline=None)
def test_pages_of_any_sizes_show_every_post_once(long, sizes, down):
    async def walk():
        long.redis_down = down
        seen, position = [], None
        for turn in range(10_000):
            page = await long.operations.timelines.older(1, position, sizes[turn % len(sizes)])
            seen += [item.id for item in page.items]
            if (position := page.next) is None:
                return seen
        raise AssertionError("no end")

    assert asyncio.run(walk()) == long.expected(1)


@given(steps=STEPS)
@settings(max_examples=examples(60), deadline=None)
def test_going_up_and_down_at_will_shows_what_lies_there(long, steps):
    async def walk():
        long.redis_down = False
        expected = long.expected(1)
        page = await long.operations.timelines.older(1, None, 10)
        top, bottom = 0, 10
        for up, limit in steps:
            if up:
                page = await long.operations.timelines.newer(1, page.prev, limit)
                top, bottom = max(top - limit, 0), top
            elif page.next:
                page = await long.operations.timelines.older(1, page.next, limit)
                top, bottom = bottom, min(bottom + limit, len(expected))
            assert [item.id for item in page.items] == expected[top:bottom]

    asyncio.run(walk())
