"""Follows and unfollows: the version decides on the row, the row on the effect; order and repeats do not matter."""

import asyncio
import itertools
from datetime import UTC, datetime

import pytest

from microblog_streams.domain.errors import NotMine, StoreUnavailable
from microblog_streams.domain.events import Followed, Unfollowed, UserDeleted
from microblog_streams.operations import fan_out
from microblog_streams.ports import TimelineState
from tests.support.fakes.lease import FakeLease
from tests.support.waiting import until

NOW = datetime(2026, 1, 1, tzinfo=UTC)
READER, AUTHOR = 1, 2


def followed(version, restate=False):
    return Followed(follower_id=READER, followee_id=AUTHOR, version=version, at=NOW, restate=restate)


def unfollowed(version, restate=False):
    return Unfollowed(follower_id=READER, followee_id=AUTHOR, version=version, at=NOW, restate=restate)


@pytest.fixture
async def posts(world):
    """Entries of the posts of an author whom the reader may follow; the reader's timeline is warm and empty."""
    assert await world.people("reader", "author") == [READER, AUTHOR]
    return [world.entry(post) for post in reversed(world.wrote(AUTHOR, 3))]


@pytest.fixture
def apply(world):
    async def apply(*events):
        for event in events:
            world.record(event)
            await world.apply(event)

    return apply


async def test_a_follow_brings_the_authors_posts(world, posts, apply):
    await apply(followed(1))
    assert world.entries(READER) == posts
    assert world.followers.rows[AUTHOR, READER].following


async def test_an_unfollow_takes_them_away(world, posts, apply):
    await apply(followed(1), unfollowed(2))
    assert world.entries(READER) == []
    assert not world.followers.rows[AUTHOR, READER].following


@pytest.mark.parametrize("order", list(itertools.permutations([followed(1), unfollowed(2), followed(3)])))
async def test_in_any_order_the_highest_version_stands(world, posts, apply, order):
    """Follows and unfollows come on two topics without an order between them."""
    await apply(*order)
    assert world.entries(READER) == posts
    assert world.followers.rows[AUTHOR, READER].version == 3


@pytest.mark.parametrize("order", list(itertools.permutations([followed(1), unfollowed(2)])))
async def test_rows_may_all_be_written_before_the_first_effect(world, posts, order):
    for event in order:
        world.record(event)
    await asyncio.gather(*(world.apply(event) for event in order))
    assert world.entries(READER) == []


async def test_an_equal_version_repeats_the_effect(world, posts, apply):
    """A worker died between the row and its effect."""
    world.record(followed(1))
    await apply(followed(1))
    assert world.entries(READER) == posts


async def test_a_lower_version_has_no_effect(world, posts, apply):
    await apply(unfollowed(2), followed(1))
    assert world.entries(READER) == []
    assert not world.followers.rows[AUTHOR, READER].following


class TestRestate:
    async def test_it_writes_the_row_and_nothing_else(self, world, posts, apply):
        await apply(followed(5, restate=True))
        assert world.followers.rows[AUTHOR, READER].version == 5
        assert world.entries(READER) == []

    async def test_the_event_that_it_overtook_still_has_its_effect(self, world, posts, apply):
        await apply(followed(5, restate=True), followed(5))
        assert world.entries(READER) == posts

    async def test_an_older_one_changes_nothing(self, world, posts, apply):
        await apply(followed(6), unfollowed(5, restate=True))
        assert world.followers.rows[AUTHOR, READER].following


class TestBackfill:
    async def test_a_cold_follower_needs_no_read(self, world, posts, apply):
        await world.timelines.remove(READER)
        world.posts.down = True
        await apply(followed(1))

    async def test_it_brings_as_much_as_a_timeline_keeps(self, world, posts, apply):
        world.wrote(AUTHOR, 30)
        await apply(followed(1))
        assert len(world.entries(READER)) == world.timelines.kept
        assert world.timelines.lists[READER].state is TimelineState.PARTIAL

    async def test_a_concurrent_unfollow_comes_after_it(self, world, posts, apply, meanwhile):
        """Its row is written while the posts are read; its effect waits for the edge's lock."""
        tasks = []

        async def unfollow():
            world.record(unfollowed(2))
            tasks.append(asyncio.create_task(world.apply(unfollowed(2))))
            await asyncio.sleep(0)

        meanwhile(world.posts, "newest", unfollow)
        await apply(followed(1))
        await asyncio.gather(*tasks)
        assert world.entries(READER) == []

    async def test_a_post_meanwhile_is_there(self, world, posts, apply, meanwhile):
        meanwhile(world.posts, "newest", lambda: world.write(AUTHOR, "new"))
        await apply(followed(1))
        assert len(world.entries(READER)) == 4

    async def test_a_deleted_authors_posts_reach_no_timeline(self, world, posts, apply):
        world.record(UserDeleted(user_id=AUTHOR, at=NOW))
        await apply(followed(1))
        assert world.entries(READER) == []


class TestPurge:
    async def test_it_waits_for_the_authors_fan_outs_that_began_before(self, world, posts, apply):
        """One of them has read the row that said "following", and pushes what the purge would not see."""
        await apply(followed(1))
        (post,) = [await world.operations.posts.create(AUTHOR, "late")]
        await world.relay()
        hold = asyncio.Event()
        real = world.timelines.push

        async def slow(*args):
            await hold.wait()
            return await real(*args)

        world.timelines.push = slow
        event = world.log.events[-1]
        pushing = asyncio.create_task(world.bring_about(event))
        await until(lambda: world.operations.fan_out.running.authors)
        world.record(unfollowed(2))
        purging = asyncio.create_task(world.apply(unfollowed(2)))
        await asyncio.sleep(0)
        assert not purging.done()
        hold.set()
        await asyncio.gather(pushing, purging)
        assert world.entries(READER) == []
        assert world.posts.posts[post.id]

    async def test_a_fan_out_that_begins_after_the_row_leaves_the_reader_out(self, world, posts, apply):
        await apply(followed(1))
        world.record(unfollowed(2))
        await world.write(AUTHOR, "new")
        await world.apply(unfollowed(2))
        assert world.entries(READER) == []


class TestLease:
    @pytest.mark.parametrize("event", [followed(3), unfollowed(3)])
    async def test_without_it_no_row_is_written(self, world, posts, event):
        with pytest.raises(NotMine):
            world.operations.edges.record(event, FakeLease(looks=0))
        assert world.followers.rows == {}

    @pytest.mark.parametrize("looks", [0, 1])
    @pytest.mark.parametrize("event", [followed(3), unfollowed(3)])
    async def test_without_it_nothing_is_done(self, world, posts, apply, event, looks):
        await apply(unfollowed(1), followed(2))
        before = list(world.entries(READER)) if isinstance(event, Unfollowed) else []
        world.timelines.lists[READER].entries[:] = before
        world.record(event)
        with pytest.raises(NotMine):
            await world.operations.edges.apply(event, FakeLease(looks=looks))
        assert world.entries(READER) == before

    @pytest.mark.parametrize("event", [followed(3), unfollowed(3)])
    async def test_a_change_does_not_outlive_it(self, world, posts, event):
        world.record(event)
        await world.timelines.push([READER], posts[0])
        with pytest.raises(NotMine):
            await world.operations.edges.apply(event, FakeLease(seconds=-1))
        assert world.entries(READER) == posts[:1]

    async def test_a_table_that_is_not_here_is_not_mine(self, world, posts):
        world.followers.closed = True
        with pytest.raises(NotMine):
            world.record(followed(1))


async def test_a_store_that_is_away_is_tried_again_from_the_start(world, posts, apply):
    world.posts.down = True
    with pytest.raises(StoreUnavailable):
        await apply(followed(1))
    world.posts.down = False
    await world.apply(followed(1))
    assert world.entries(READER) == posts


async def test_locks_are_not_kept(world, posts, apply):
    await apply(followed(1), unfollowed(2))
    assert dict(world.operations.edges.locks) == {}


def test_no_user_has_the_id_of_tombstones():
    assert fan_out.TOMBSTONE == 0
