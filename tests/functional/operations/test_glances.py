"""A glance agrees with the page as it is read in full, wherever it says anything at all."""

import pytest

from microblog_streams.operations.pages import Page

LIMITS = (1, 2, 3, 7, 30)


@pytest.fixture
async def reader(world):
    """Somebody who follows two people, one of them deleted since; some posts are deleted, one came late."""
    reader, ann, bob = await world.people("reader", "ann", "bob")
    await world.follow(reader, ann, bob)
    for number in range(9):
        await world.write((ann, bob, reader)[number % 3], str(number))
    shown = await world.scroll(reader, 100)
    for post in (shown[0], shown[3], shown[4]):
        await world.operations.posts.delete(post)
    await world.operations.users.delete(bob)
    return reader


def outline(page):
    return Page([(item.id, item.username) for item in page.items], page.next, page.prev)


async def test_every_page_is_the_same_at_a_glance(world, reader):
    operations = world.operations
    positions = [item.id for page in await world.pages(reader, 1) for item in page.items]

    for limit in LIMITS:
        for position in (None, *positions):
            seen = await operations.glances.older(reader, position, limit)
            assert outline(seen) == outline(await operations.timelines.older(reader, position, limit))
        for position in positions:
            seen = await operations.glances.newer(reader, position, limit)
            assert outline(seen) == outline(await operations.timelines.newer(reader, position, limit))


async def test_while_redis_is_away_nothing_is_known(world, reader):
    top = (await world.pages(reader, 1))[0].items[0].id
    world.redis_down = True

    assert await world.operations.glances.older(reader, None, 5) is None
    assert await world.operations.glances.newer(reader, top, 5) is None
