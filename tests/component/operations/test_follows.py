"""Who follows whom, as people ask for it."""

import pytest

from microblog_streams.domain.errors import Invalid, NotFound, StoreUnavailable
from microblog_streams.domain.models import IdempotencyKey


@pytest.fixture
async def ann_and_bob(world):
    return await world.people("ann", "bob")


async def test_following_twice_is_one_event(world, ann_and_bob):
    for _ in range(2):
        await world.operations.follows.follow(*ann_and_bob)
    await world.relay()
    assert [event.topic for event in world.log.events] == ["user.follow"]


async def test_a_repeated_call_with_its_key_does_not_undo_an_unfollow(world, ann_and_bob):
    once = IdempotencyKey("key", b"digest")
    await world.operations.follows.follow(*ann_and_bob, once)
    await world.operations.follows.unfollow(*ann_and_bob)
    await world.operations.follows.follow(*ann_and_bob, once)
    await world.relay()
    assert [event.topic for event in world.log.events] == ["user.follow", "user.unfollow"]


async def test_unfollowing_without_a_follow_is_no_event(world, ann_and_bob):
    await world.operations.follows.unfollow(*ann_and_bob)
    await world.relay()
    assert world.log.events == []


async def test_a_user_cannot_follow_themselves(world, ann_and_bob):
    ann, _ = ann_and_bob
    with pytest.raises(Invalid, match="themselves"):
        await world.operations.follows.follow(ann, ann)


@pytest.mark.parametrize("action", ["follow", "unfollow"])
async def test_an_unknown_user_cannot_follow_or_be_followed(world, ann_and_bob, action):
    ann, _ = ann_and_bob
    for pair in ((ann, 99), (99, ann)):
        with pytest.raises(NotFound, match="user 99"):
            await getattr(world.operations.follows, action)(*pair)


async def test_followers_and_followees_come_in_pages(world):
    ann, *others = await world.people(*"abcde")
    for other in others:
        await world.follow(ann, other)
        await world.follow(other, ann)
    for pages in (world.operations.follows.followers, world.operations.follows.followees):
        first = await pages(ann, 0, 3)
        assert [user.id for user in first.items] == others[:3]
        last = await pages(ann, first.next, 3)
        assert [user.id for user in last.items] == others[3:]
        assert last.next is None
        with pytest.raises(NotFound):
            await pages(99, 0, 3)


async def test_without_postgres_nothing_is_answered(world, ann_and_bob):
    world.database.away = True
    for call in (world.operations.follows.follow, world.operations.follows.unfollow):
        with pytest.raises(StoreUnavailable, match="postgres"):
            await call(*ann_and_bob)
