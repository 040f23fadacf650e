"""Blocking, brought about: what the two wrote leaves each other's home timelines, and comes back by following alone."""

import pytest

from microblog_streams.domain.errors import Blocked, Invalid, NotFound, StoreUnavailable


@pytest.fixture
async def ann_and_bob(world):
    """They follow each other."""
    ann, bob = await world.people("ann", "bob")
    await world.follow(ann, bob)
    await world.follow(bob, ann)
    return ann, bob


async def test_the_posts_of_the_two_leave_each_others_timelines(world, ann_and_bob):
    ann, bob = ann_and_bob
    (of_ann,), (of_bob,) = await world.write(ann, "a"), await world.write(bob, "b")
    assert await world.scroll(ann) == await world.scroll(bob) == [of_bob, of_ann]

    await world.operations.blocks.block(ann, bob)
    await world.deliver()

    assert await world.scroll(ann) == [of_ann]
    assert await world.scroll(bob) == [of_bob]


async def test_what_they_write_afterwards_does_not_reach_the_other(world, ann_and_bob):
    ann, bob = ann_and_bob
    await world.operations.blocks.block(ann, bob)
    await world.deliver()

    (post,) = await world.write(bob, "b")

    assert await world.scroll(ann) == []
    assert await world.scroll(bob) == [post]


async def test_a_timeline_that_is_rebuilt_does_not_bring_them_back(world, ann_and_bob):
    ann, bob = ann_and_bob
    await world.write(bob, "b")
    await world.operations.blocks.block(ann, bob)
    await world.deliver()
    world.timelines.lists.clear()

    assert await world.scroll(ann) == []


async def test_republished_edges_do_not_bring_them_back(world, ann_and_bob):
    """A worker in doubt has the last events of edges published again, and a restart may read the first ones again."""
    ann, bob = ann_and_bob
    await world.write(bob, "b")
    await world.operations.blocks.block(ann, bob)
    await world.deliver()

    await world.follows.republish([(ann, bob), (bob, ann)])
    await world.follows.republish_page((0, 0), 9)
    world.delivered = 0
    await world.deliver()

    assert await world.scroll(ann) == []


async def test_unblocking_brings_nothing_back_and_following_again_does(world, ann_and_bob):
    ann, bob = ann_and_bob
    (post,) = await world.write(bob, "b")
    await world.operations.blocks.block(ann, bob)
    await world.operations.blocks.unblock(ann, bob)
    await world.deliver()
    assert await world.scroll(ann) == []

    await world.follow(ann, bob)

    assert await world.scroll(ann) == [post]


async def test_a_follow_is_refused(world, ann_and_bob):
    ann, bob = ann_and_bob
    await world.operations.blocks.block(ann, bob)
    for pair in (ann_and_bob, (bob, ann)):
        with pytest.raises(Blocked):
            await world.operations.follows.follow(*pair)


async def test_a_user_cannot_block_themselves(world, ann_and_bob):
    ann, _ = ann_and_bob
    with pytest.raises(Invalid, match="themselves"):
        await world.operations.blocks.block(ann, ann)


@pytest.mark.parametrize("action", ["block", "unblock"])
async def test_an_unknown_user_cannot_block_or_be_blocked(world, ann_and_bob, action):
    ann, _ = ann_and_bob
    for pair in ((ann, 99), (99, ann)):
        with pytest.raises(NotFound, match="user 99"):
            await getattr(world.operations.blocks, action)(*pair)


async def test_the_list_comes_in_pages(world):
    ann, *others = await world.people(*"abcde")
    for other in others:
        await world.operations.blocks.block(ann, other)

    first = await world.operations.blocks.blocked(ann, 0, 3)
    last = await world.operations.blocks.blocked(ann, first.next, 3)

    assert [user.id for user in first.items] == others[:3]
    assert [user.id for user in last.items] == others[3:]
    assert last.next is None
    with pytest.raises(NotFound):
        await world.operations.blocks.blocked(99, 0, 3)


async def test_without_postgres_nothing_is_answered(world, ann_and_bob):
    world.database.away = True
    for call in (world.operations.blocks.block, world.operations.blocks.unblock):
        with pytest.raises(StoreUnavailable, match="postgres"):
            await call(*ann_and_bob)
