"""Following a timeline live: what arrives, once and in the order of arrival, also over breaks."""

import pytest

from microblog_streams.domain.errors import NotFound
from microblog_streams.domain.ids import PUBLIC
from tests.component.operations.live_readers import BOB, ann, follow
from tests.support.waiting import until

__all__ = ["ann", "follow"]


async def test_a_stream_begins_with_a_reset_and_tells_what_arrives(world, follow, ann):
    await world.write(BOB, "before")
    told = await follow(ann)

    await world.write(BOB, "one", "two")
    await world.write(ann, "mine")

    await told.until("reset", "one", "two", "mine")


async def test_a_late_post_is_told_when_it_arrives(world, follow, ann):
    [old] = world.wrote(BOB)
    told = await follow(ann)
    await world.write(BOB, "new")

    await world.timelines.push([ann], world.entry(old))

    await told.until("reset", "new", f"by {BOB}")


async def test_who_comes_back_is_told_what_they_missed_on_another_worker(world, follow, ann):
    first = await follow(ann)
    await world.write(BOB, "one")
    await first.until("reset", "one")
    await world.write(BOB, "two", "three")

    other = world.worker()
    again = await follow(ann, first.position, worker=other)
    await world.write(BOB, "four")

    await again.until("two", "three", "four")
    await other.live.close()


async def test_who_is_ahead_of_the_workers_feed_is_told_nothing_twice(world, follow, ann):
    """Another worker told them already what this one reads only now, since a signal was lost."""
    await follow(ann)
    world.timelines.live.silent = True
    posts = await world.write(BOB, "one", "two")
    position = world.timelines.live.logs[ann][-1].position

    told = await follow(ann, position)
    world.timelines.live.silent = False
    await world.write(BOB, "three")

    await told.until("three")
    assert len(posts) == 2


async def test_a_reset_is_told_also_where_positions_begin_anew_below_the_readers_own(world, follow, ann):
    """Another server, whose clock is behind, has become the primary."""
    first = await follow(ann)
    await world.write(BOB, "one")
    await first.until("reset", "one")
    told = await follow(ann, first.position, worker=(other := world.worker()))
    await until(lambda: world.timelines.live._subscribers)

    world.timelines.live.begin_anew(ann)

    await told.until("reset")
    await other.live.close()


async def test_a_push_that_comes_after_the_deletion_tells_nothing(world, follow, ann):
    """The view of the post was read just before, for another timeline."""
    (cleo,) = await world.people("cleo")
    told, other = await follow(ann), await follow(cleo)
    await told.until("reset")
    [post] = world.wrote(BOB)
    await world.timelines.push([cleo], world.entry(post))
    await other.until("reset", f"by {BOB}")

    await world.operations.posts.delete(post)
    await world.deliver()
    await world.timelines.push([ann], world.entry(post))
    await world.write(ann, "last")

    await told.until("reset", post, "last")


async def test_an_unknown_position_is_a_reset(world, follow, ann):
    for position in ("1-1", "99999999-0"):
        told = await follow(ann, position)
        await told.until("reset")


async def test_the_public_timeline_is_told_of_everybody_without_those_whom_a_block_keeps_away(world, follow, ann):
    (cleo,) = await world.people("cleo")
    await world.operations.blocks.block(cleo, BOB)
    blocked, blocker, signed_out = [await follow(PUBLIC, reader=reader) for reader in (BOB, cleo, None)]

    [post] = await world.write(BOB, "bob's")
    await world.write(cleo, "cleo's")
    await world.operations.posts.delete(post)
    await world.deliver()

    await signed_out.until("reset", "bob's", "cleo's", post)
    await blocker.until("reset", "cleo's", post)
    await blocked.until("reset", "bob's", post)


async def test_the_posts_of_a_deleted_user_leave_the_public_timeline_one_by_one(world, follow, ann):
    """A reset would have all of its readers read the page at once."""
    one, two = await world.write(BOB, "one", "two")
    told = await follow(PUBLIC)

    await world.operations.users.delete(BOB)
    await world.deliver()
    await world.write(ann, "last")

    await told.until("reset", two, one, "last")


async def test_blocks_hold_for_what_was_missed_too(world, follow, ann):
    (cleo,) = await world.people("cleo")
    first = await follow(PUBLIC, reader=cleo)
    await world.write(ann, "one")
    await first.until("reset", "one")
    await world.operations.blocks.block(BOB, cleo)
    await world.write(BOB, "two")
    await world.write(ann, "three")

    again = await follow(PUBLIC, first.position, worker=world.worker(), reader=cleo)

    await again.until("three")


async def test_who_joins_while_blocks_are_looked_up_is_looked_up_too(world, follow, ann, meanwhile):
    """The feed of the worker is about to tell a post, and a reader who blocks its author comes."""
    (cleo,) = await world.people("cleo")
    await world.operations.blocks.block(cleo, BOB)
    told, joined = await follow(PUBLIC, reader=ann), []
    await told.until("reset")

    async def join():
        joined.append(await follow(PUBLIC, reader=cleo))

    meanwhile(world.operations.live._blocks, "between", join)
    await world.write(BOB, "bob's")
    await told.until("reset", "bob's")
    await world.write(ann, "ann's")

    await joined[0].until("reset", "ann's")


async def test_deletions_are_told_to_those_who_follow_the_author(world, follow, ann):
    (cleo,) = await world.people("cleo")
    told, other = await follow(ann), await follow(cleo)
    [post] = await world.write(BOB, "one")

    await world.operations.posts.delete(post)
    await world.deliver()
    await world.write(cleo, "last")

    await told.until("reset", "one", post)
    await other.until("reset", "last")


async def test_a_deletion_during_a_break_is_told_afterwards(world, follow, ann):
    first = await follow(ann)
    [post] = await world.write(BOB, "one")
    await first.until("reset", "one")
    await world.operations.posts.delete(post)
    await world.deliver()

    again = await follow(ann, first.position)

    await again.until(post)


async def test_a_post_that_was_deleted_before_it_could_be_told_is_left_out(world, follow, ann):
    first = await follow(ann)
    await first.until("reset")
    [post] = await world.write(BOB, "one")
    await world.operations.posts.delete(post)
    await world.deliver()

    again = await follow(ann, first.position, worker=world.worker())

    await again.until(post)


async def test_following_unfollowing_and_a_deleted_author_are_resets(world, follow, ann):
    (cleo,) = await world.people("cleo")
    await world.write(cleo, "old")
    told = await follow(ann)

    await world.follow(ann, cleo)
    await told.until("reset", "reset")
    await world.operations.follows.unfollow(ann, cleo)
    await world.deliver()
    await told.until("reset", "reset", "reset")
    await world.operations.users.delete(BOB)
    await world.deliver()
    await told.until("reset", "reset", "reset", "reset")


async def test_without_a_user_there_is_no_stream(world, follow):
    with pytest.raises(NotFound):
        await follow(99)
