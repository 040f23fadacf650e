"""PostgreSQL has lost its last commits, whose events were delivered: everything comes to agree with what it says."""

import time
from copy import deepcopy
from datetime import UTC, datetime

import pytest

from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.domain.events import Followed, UserDeleted
from microblog_streams.operations import lost_commits
from microblog_streams.operations.fan_out import TOMBSTONE

#: What a backup holds of a fake database.
KEPT = ("users", "names", "looks", "held", "edges", "blocks")
PARTITION = 3


@pytest.fixture
def backup(world):
    """Keeps what PostgreSQL holds now; what it returns puts that back, in a new era."""
    kept = {name: deepcopy(getattr(world.database, name)) for name in KEPT}

    def restore():
        for name, value in deepcopy(kept).items():
            setattr(world.database, name, value)
        world.database.outbox.clear()
        world.user_cache.kept.clear()  # its keys are the era's
        world.database.era, world.database.era_began = 1, time.time()

    return lambda: kept.update({name: deepcopy(getattr(world.database, name)) for name in KEPT}) or restore


@pytest.fixture
async def people(world):
    """Ann, whom bob follows, and eve, who has no followees; ann and bob have written."""
    ann, bob, eve = await world.people("ann", "bob", "eve")
    await world.follow(bob, ann)
    await world.write(ann, "by ann")
    await world.write(bob, "by bob")
    return ann, bob, eve


@pytest.fixture
def agrees(world):
    """Return whether table and timelines are as PostgreSQL says, also for what comes now."""

    async def agrees():
        for author in sorted(world.database.users):
            await world.write(author, "now")
        rows = {(author, follower): row.following for (author, follower), row in world.followers.rows.items()}
        edges = {(edge.followee, edge.follower): edge.following for edge in world.database.edges.values()}
        assert {key: on for key, on in rows.items() if key[1] != TOMBSTONE} == edges
        for user in sorted(world.database.users):
            assert await world.scroll(user) == world.expected(user)

    return agrees


async def test_a_lost_follow_is_ended_and_its_posts_go(world, people, backup, agrees):
    ann, bob, eve = people
    restore = backup()
    await world.follow(eve, ann, bob)
    restore()
    assert len(world.entries(eve)) == 2

    assert await world.operations.lost_commits.partition(PARTITION) == (3, 2)
    await world.deliver()

    assert world.entries(eve) == []
    await agrees()


async def test_a_lost_unfollow_is_undone_and_the_posts_come_back(world, people, backup, agrees):
    ann, bob, _ = people
    restore = backup()
    await world.operations.follows.unfollow(bob, ann)
    await world.deliver()
    restore()

    assert await world.operations.lost_commits.partition(PARTITION) == (1, 1)
    await world.deliver()

    await agrees()


async def test_a_lost_block_gives_back_the_edges_that_it_ended(world, people, backup, agrees):
    ann, bob, _ = people
    restore = backup()
    await world.operations.blocks.block(ann, bob)
    await world.deliver()
    restore()

    await world.operations.lost_commits.partition(PARTITION)
    await world.deliver()

    await agrees()


async def test_a_lost_user_leaves_no_edge_and_no_post_on_any_timeline(world, people, backup, agrees):
    ann, bob, _ = people
    restore = backup()
    (new,) = await world.people("new")
    await world.follow(new, ann)
    await world.follow(bob, new)
    await world.write(new, "lost")
    restore()

    assert await world.operations.lost_commits.partition(PARTITION) == (3, 2)
    await world.deliver()

    await agrees()


async def test_a_lost_deletion_is_done_again(world, people, backup, agrees):
    ann, bob, _ = people
    restore = backup()
    await world.operations.users.delete(ann)
    await world.deliver()
    restore()
    assert ann in world.database.users

    await world.operations.lost_commits.partition(PARTITION)
    await world.deliver()

    assert ann not in world.database.users
    assert await world.scroll(bob) == world.expected(bob)


async def test_changes_after_the_loss_win_over_lost_ones(world, people, backup, agrees):
    """The issue's case: unfollowed and followed again, lost, then unfollowed: the version was there already."""
    ann, bob, eve = people
    restore = backup()
    await world.operations.follows.unfollow(bob, ann)
    await world.follow(bob, ann)
    await world.follow(eve, bob)
    restore()

    await world.operations.follows.unfollow(bob, ann)
    await world.deliver()
    assert len(world.entries(bob)) == 1
    await world.operations.lost_commits.partition(PARTITION)
    await world.deliver()

    await agrees()


async def test_an_event_of_an_earlier_era_that_comes_late_is_looked_up(world, people, backup, agrees):
    ann, _, eve = people
    restore = backup()
    await world.operations.follows.follow(eve, ann)
    await world.relay()
    restore()
    assert await world.operations.lost_commits.partition(PARTITION) == (1, 0)

    await world.deliver()
    await world.deliver()

    await agrees()


async def test_a_deletion_that_comes_late_is_done_again(world, people, backup):
    ann, _, _ = people
    restore = backup()
    await world.operations.users.delete(ann)
    await world.relay()
    restore()

    await world.deliver()

    assert ann not in world.database.users


async def test_a_late_event_waits_for_postgresql(world, people):
    ann, _, eve = people
    world.database.era, world.database.era_began = 1, time.time()
    world.database.away = True
    late = Followed(follower_id=eve, followee_id=ann, version=1, at=datetime.now(UTC))
    for event in (late, UserDeleted(user_id=ann, at=datetime.now(UTC))):
        with pytest.raises(StoreUnavailable):
            await world.apply(event)


async def test_events_of_the_present_era_need_no_lookup(world, people):
    ann, _, eve = people
    world.database.away = True
    event = Followed(follower_id=eve, followee_id=ann, version=1, at=datetime.now(UTC))
    world.record(event)
    await world.apply(event)


async def test_all_pages_of_a_partition_are_compared(world, people, backup, agrees, monkeypatch):
    monkeypatch.setattr(lost_commits, "PAGE_ROWS", 2)
    ann, bob, _ = people
    restore = backup()
    others = await world.people(*"fghij")
    for other in others:
        await world.follow(other, ann, bob)
    restore()

    assert await world.operations.lost_commits.partition(PARTITION) == (11, 10)
    await world.deliver()

    await agrees()
