"""Every post's rows are compared, in parts; what is only on its way is not wrong."""

from datetime import UTC, datetime

import pytest

from microblog_streams.commands import post_scan
from microblog_streams.commands.common import UserSelection
from microblog_streams.commands.post_scan import PostScan
from microblog_streams.operations.audit import PostRows, RowFinding, RowKind
from tests.support.fakes.repartition import SilentProgress
from tests.support.fakes.users import FakeUsers
from tests.support.fakes.world import World


@pytest.fixture
async def world(monkeypatch):
    """Ten posts of one person, which come in parts of three."""
    monkeypatch.setattr(post_scan, "PAGE_POSTS", 3)
    world = World()
    await world.people("ann")
    await world.write(1, *"abcdefghij")
    return world


class ToldProgress(SilentProgress):
    """Keeps what it is told."""

    def __init__(self):
        self.told = []

    def step(self, text, total=None):
        self.told.append(text)

    def update(self, done, total=None):
        self.told.append(done)


@pytest.fixture
def progress():
    return ToldProgress()


@pytest.fixture
def make(world, progress):
    async def nothing():
        pass

    authors = UserSelection(FakeUsers(world.database)).pages
    return lambda wait_for_events=nothing: PostScan(
        PostRows(world.posts, world.post_cache), wait_for_events, progress, authors
    )


async def test_whole_posts_are_looked_at_by_their_bodies_and_by_their_authors(make, progress):
    scan = make()
    await scan.run()
    assert (scan.checked, scan.wrong) == (10, set())
    assert progress.told == ["posts", 3, 6, 9, 10, "authors", 1]


async def test_no_posts_are_none(make, world):
    world.posts.posts.clear()
    scan = make()
    await scan.run()
    assert (scan.checked, scan.wrong) == (0, set())


async def test_what_is_wrong_is_found_wherever_it_is(make, world):
    ids = [*world.posts.posts]
    world.posts.unindexed |= {ids[0], ids[9]}
    world.posts.flagged.add(ids[5])
    world.posts.textless.add(ids[7])
    scan = make()
    await scan.run()
    assert scan.wrong == {
        RowFinding(RowKind.UNINDEXED, ids[0], 1),
        RowFinding(RowKind.UNINDEXED, ids[9], 1),
        RowFinding(RowKind.UNEMPTIED, ids[5], 1),
        RowFinding(RowKind.TEXTLESS, ids[7], 1),
    }


async def test_a_suspended_users_post_without_its_text_is_found_as_it_is_on_their_followers_pages(make, world):
    [first, *_] = world.posts.posts
    world.posts.textless.add(first)
    await FakeUsers(world.database).suspend(1, datetime(2026, 5, 17, tzinfo=UTC))
    scan = make()
    await scan.run()
    assert scan.wrong == {RowFinding(RowKind.TEXTLESS, first, 1)}


async def test_what_was_on_its_way_is_not_wrong(make, world):
    late = next(iter(world.posts.posts))
    world.posts.unindexed.add(late)

    async def wait_for_events():
        world.posts.unindexed.clear()

    scan = make(wait_for_events)
    await scan.run()
    assert scan.wrong == set()
