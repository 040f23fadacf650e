"""Many timelines are audited: each once, and those that look wrong again when all that was on its way has come."""

from datetime import UTC, datetime

import pytest

from microblog_streams.commands import common
from microblog_streams.commands.common import UserSelection
from microblog_streams.commands.verify import TimelineScan
from microblog_streams.domain.errors import NotFound, StoreUnavailable
from microblog_streams.operations.audit import Finding, FindingKind
from tests.support.fakes.world import World


@pytest.fixture
async def world():
    """Ten people who follow the first, and posts of the first. The last two timelines are cold."""
    world = World()
    author, *followers = await world.people(*(f"user{number}" for number in range(10)))
    for follower in followers:
        await world.follow(follower, author)
    await world.write(author, *["text"] * 5)
    for cold in followers[-2:]:
        await world.timelines.remove(cold)
    return world


@pytest.fixture
def users(world):
    return world.operations.users.store


@pytest.fixture
def told():
    """What the person at the terminal sees."""
    return []


@pytest.fixture
def waits(world):
    """How often it was waited for."""
    return []


@pytest.fixture
def scan(world, told, waits):
    async def wait_for_events():
        waits.append(1)
        await world.deliver()

    return TimelineScan(world.operations.audit, wait_for_events, told.append)


async def pages_of(selection):
    return [page async for page in selection.pages()]


class TestTimelineScan:
    async def test_where_all_is_right_everyone_is_looked_at_once(self, scan, users, told, waits):
        await scan.run(UserSelection(users).pages())
        assert (scan.checked, scan.cold, scan.wrong) == (8, 2, {})
        assert told == list(range(1, 11))
        assert waits == []

    async def test_what_is_wrong_is_told_by_person(self, scan, users, world):
        post = world.expected(1)[1]
        for user in (3, 5):
            world.entries(user).remove(world.entry(post))
        await scan.run(UserSelection(users).pages())
        missing = frozenset({Finding(FindingKind.MISSING, post, 1)})
        assert scan.wrong == {3: missing, 5: missing}

    async def test_what_is_on_its_way_is_waited_for_once_for_all(self, scan, users, world, waits):
        await world.operations.posts.create(1, "late")
        await scan.run(UserSelection(users).pages())
        assert scan.wrong == {}
        assert waits == [1]

    @pytest.mark.parametrize("store", ["redis", "postgres", "cassandra"])
    async def test_a_store_that_is_away_ends_it(self, scan, users, world, store):
        pages = UserSelection(users).pages()
        world.timelines.down, world.posts.down = store == "redis", store == "cassandra"
        world.database.away = store == "postgres"
        with pytest.raises(StoreUnavailable, match=store):
            await scan.run(pages)


class TestUserSelection:
    async def test_everyone_comes_once_in_pages(self, users, monkeypatch):
        monkeypatch.setattr(common, "PAGE_SIZE", 4)
        assert await pages_of(UserSelection(users)) == [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10]]

    async def test_everyone_includes_the_suspended_whose_pages_come_back(self, users):
        await users.suspend(3, datetime(2026, 5, 17, tzinfo=UTC))
        assert await pages_of(UserSelection(users)) == [[*range(1, 11)]]

    async def test_those_who_are_named(self, users):
        await users.suspend(2, datetime(2026, 5, 17, tzinfo=UTC))
        assert await pages_of(UserSelection(users, ids=(5, 2, 5))) == [[2, 5]]

    async def test_an_invalid_name_belongs_to_no_user(self, users):
        with pytest.raises(NotFound, match="user 99"):
            await pages_of(UserSelection(users, ids=(5, 99)))

    async def test_a_sample_is_so_many_different_people(self, users):
        (page,) = await pages_of(UserSelection(users, sample=4))
        assert len(set(page)) == 4
        assert set(page) <= set(range(1, 11))

    async def test_a_sample_of_more_than_there_are_is_no_more_than_that(self, users):
        (page,) = await pages_of(UserSelection(users, sample=40))
        assert set(page) <= set(range(1, 11))
