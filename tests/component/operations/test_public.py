"""The public timeline: the newest posts of everybody, what is left out for whom, and where it is rebuilt from."""

import pytest

from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.domain.ids import PUBLIC
from microblog_streams.operations.timelines import sources
from microblog_streams.ports import TimelineState

KEPT = 20


@pytest.fixture
async def people(world):
    """Ann (1), bob (2) and cleo (3), who follow no one; the public timeline has been read once."""
    people = await world.people("ann", "bob", "cleo")
    await page(world)
    return people


async def page(world, before=None, limit=10, reader=None):
    found = await world.operations.timelines.older(PUBLIC, before, limit, reader)
    return [item.content for item in found.items]


async def scroll(world, limit=7):
    shown, position = [], None
    while True:
        found = await world.operations.timelines.older(PUBLIC, position, limit)
        shown += [item.content for item in found.items]
        position = found.next
        if position is None:
            return shown


def texts(first, last):
    """Return the texts of numbered posts, newest first."""
    return [str(number) for number in range(last, first - 1, -1)]


async def write(world, first, last, *authors):
    for number in range(first, last + 1):
        await world.write(authors[number % len(authors)], str(number))


async def test_it_has_the_posts_of_everybody_newest_first(world, people):
    await write(world, 1, 5, *people)

    assert await page(world) == texts(1, 5)


async def test_it_ends_where_the_list_does(world, people):
    await write(world, 1, 50, *people)

    shown = await scroll(world)

    assert shown == texts(50 - len(shown) + 1, 50)
    assert KEPT <= len(shown) <= KEPT + KEPT // 10


async def test_pages_lead_up_again(world, people):
    await write(world, 1, 5, *people)
    first = await world.operations.timelines.older(PUBLIC, None, 2)
    second = await world.operations.timelines.older(PUBLIC, first.next, 2)

    above = await world.operations.timelines.newer(PUBLIC, second.prev, 2)

    assert [item.content for item in above.items] == ["5", "4"]


async def test_deleted_posts_and_those_of_suspended_and_deleted_people_are_left_out(world, people):
    ann, bob, cleo = people
    await write(world, 1, 6, *people)
    [gone] = await world.write(ann, "gone")
    await world.operations.posts.delete(gone)
    await world.operations.moderation.suspend(bob)
    await world.operations.users.delete(cleo)
    await world.deliver()

    assert await page(world) == ["6", "3"]

    await world.operations.moderation.restore(bob)
    assert await page(world) == ["6", "4", "3", "1"]


async def test_blocks_are_heeded_in_both_directions_for_who_is_signed_in(world, people):
    ann, bob, cleo = people
    await write(world, 1, 6, *people)
    await world.operations.blocks.block(ann, bob)
    await world.deliver()

    assert await page(world, reader=ann) == ["6", "5", "3", "2"]
    assert await page(world, reader=bob) == ["5", "4", "2", "1"]
    assert await page(world, reader=cleo) == await page(world) == texts(1, 6)
    assert await page(world, limit=3, reader=ann) == ["6", "5", "3"]
    oldest = min(world.posts.posts)
    newer = await world.operations.timelines.newer(PUBLIC, oldest, 3, ann)
    assert [item.content for item in newer.items] == ["5", "3", "2"]


class TestRebuild:
    async def test_a_lost_list_is_rebuilt_from_the_log(self, world, people):
        await write(world, 1, 50, *people)
        world.timelines.lists.clear()

        assert await scroll(world) == texts(50 - KEPT + 1, 50)
        assert world.timelines.lists[PUBLIC].state is TimelineState.PARTIAL

        await world.write(people[0], "next")
        assert (await page(world))[:2] == ["next", "50"]

    async def test_a_small_community_has_what_the_log_has_forgotten(self, world, people):
        await write(world, 1, 10, *people)
        world.log.events.clear()
        world.delivered = 0
        await write(world, 11, 12, *people)
        world.timelines.lists.clear()

        assert await scroll(world) == texts(1, 12)

    async def test_posts_of_who_was_suspended_meanwhile_are_there_again_after_it(self, world, people):
        await write(world, 1, 10, *people)
        world.log.events.clear()
        world.delivered = 0
        world.timelines.lists.clear()
        await world.operations.moderation.suspend(people[0])
        assert await scroll(world) == ["10", "8", "7", "5", "4", "2", "1"]

        await world.operations.moderation.restore(people[0])
        assert await scroll(world) == texts(1, 10)

    async def test_a_large_one_has_not(self, world, people, monkeypatch):
        monkeypatch.setattr(sources, "MAX_MERGED_AUTHORS", 2)
        await write(world, 1, 10, *people)
        world.log.events.clear()
        world.delivered = 0
        await write(world, 11, 12, *people)
        world.timelines.lists.clear()

        assert await scroll(world) == ["12", "11"]

    async def test_without_anybody_it_is_empty(self, world):
        assert await page(world) == []

    async def test_what_is_pushed_meanwhile_is_there(self, world, people, meanwhile):
        await write(world, 1, 3, *people)
        world.timelines.lists.clear()
        meanwhile(world.log, "newest", lambda: world.write(people[0], "meanwhile"))

        assert await page(world) == ["meanwhile", "3", "2", "1"]

    async def test_without_redis_pages_come_from_the_log_which_is_read_once(self, world):
        await write(world, 1, 12, *await world.people("ann", "bob"))
        world.redis_down = True
        looked = world.log.looked

        assert await scroll(world, 5) == texts(1, 12)
        assert world.log.looked == looked + 1

    async def test_without_the_log_too_there_is_no_page(self, world):
        world.redis_down = world.log.away = True

        with pytest.raises(StoreUnavailable):
            await page(world)


async def test_no_user_is_needed_to_read_it_and_none_has_its_id(world):
    await page(world)

    assert [user.id for user in await world.operations.users.store.page(0, 10)] == []
    (first,) = await world.people("public")
    assert first != PUBLIC
