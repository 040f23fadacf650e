"""Deletions: the flag, the marks and the tombstone, in any order with what is deleted."""

from datetime import UTC, datetime, timedelta

import pytest

from microblog_streams.domain import topics
from microblog_streams.domain.errors import NotMine, StoreUnavailable
from microblog_streams.domain.events import PostDeleted, UserDeleted
from microblog_streams.domain.ids import new_post_id
from microblog_streams.domain.models import Post
from microblog_streams.operations import deletions
from microblog_streams.operations.fan_out import TOMBSTONE
from tests.support.fakes.lease import FakeLease

NOW = datetime.now(UTC)


async def test_a_deletion_that_overtakes_its_post_wins(world):
    (ann,) = await world.people("ann")
    post_id = new_post_id()
    await world.apply(PostDeleted(post_id=post_id, user_id=ann, deleted_at=NOW))
    await world.posts.put(Post(post_id, ann, "text"))
    await world.post_cache.fill([Post(post_id, ann, "text")])
    await world.timelines.push([ann], world.entry(post_id))
    assert await world.scroll(ann) == []


async def test_a_deleted_user_leaves_no_posts_no_timeline_and_a_tombstone(world, monkeypatch):
    monkeypatch.setattr(deletions, "BATCH_POSTS", 3)
    ann, bob = await world.people("ann", "bob")
    await world.follow(bob, ann)
    await world.write(ann, *"abcdefgh")
    (other,) = await world.write(bob, "by bob")
    await world.operations.users.delete(ann)
    await world.deliver()
    assert [post.id for post in world.posts.posts.values() if not post.deleted] == [other]
    assert ann not in world.timelines.lists
    assert world.followers.row(0, ann, TOMBSTONE) is not None
    assert await world.scroll(bob) == [other]


async def test_a_deleted_users_posts_are_no_longer_fanned_out(world):
    ann, bob = await world.people("ann", "bob")
    await world.follow(bob, ann)
    await world.operations.posts.create(ann, "just before")
    world.record(UserDeleted(user_id=ann, at=NOW))
    await world.deliver()
    assert world.entries(bob) == []


async def test_a_deleted_users_follows_end_in_the_table(world):
    ann, bob = await world.people("ann", "bob")
    await world.follow(ann, bob)
    await world.operations.users.delete(ann)
    await world.deliver()
    assert not world.followers.row(0, bob, ann).following


async def test_a_deleted_users_posts_are_each_read_once(world, monkeypatch):
    """From the last one on, not from the newest again: that read 50 million rows of an author with 100,000 posts."""
    monkeypatch.setattr(deletions, "BATCH_POSTS", 10)
    (ann,) = await world.people("ann")
    world.wrote(ann, 500)
    asked = []
    real = world.posts.newest

    async def newest(author, before, limit):
        asked.append(before)
        return await real(author, before, limit)

    monkeypatch.setattr(world.posts, "newest", newest)
    ids = await real(ann, None, 500)
    await world.apply(UserDeleted(user_id=ann, at=NOW))

    assert asked == [None, *ids[9::10]]
    assert all(post.deleted and not post.content for post in world.posts.posts.values())


async def test_a_rerun_leaves_no_text_behind(world, monkeypatch):
    monkeypatch.setattr(deletions, "BATCH_POSTS", 10)
    (ann,) = await world.people("ann")
    world.wrote(ann, 50)
    world.posts.deletions = 25
    with pytest.raises(StoreUnavailable):
        await world.apply(UserDeleted(user_id=ann, at=NOW))
    await world.apply(UserDeleted(user_id=ann, at=NOW))
    assert not any(post.content for post in world.posts.posts.values())


async def test_a_post_that_is_fanned_out_after_its_authors_deletion_leaves_no_text(world):
    """It was written when the deletion of the author's posts had gone past it."""
    (ann,) = await world.people("ann")
    (post_id,) = await world.write(ann, "just before")
    created = next(event for event in world.log.events if event.topic == topics.POST_CREATED)
    world.posts.posts.clear()
    world.post_cache.kept.clear()
    deletion = UserDeleted(user_id=ann, at=datetime.now(UTC))
    world.record(deletion)
    await world.apply(deletion)
    await world.bring_about(created)
    assert world.posts.posts[post_id].deleted
    assert not world.posts.posts[post_id].content
    assert world.post_cache.kept[post_id].deleted


async def test_who_has_a_deleted_users_id_by_now_keeps_their_posts(world):
    """PostgreSQL has lost the first one and given the id out again; the tables still know of the deletion."""
    (ann,) = await world.people("ann")
    world.record(UserDeleted(user_id=ann, at=NOW - timedelta(hours=1)))
    (post_id,) = await world.write(ann, "by another")
    assert world.posts.posts[post_id].content == "by another"


async def test_a_lost_lease_ends_it_between_batches(world, monkeypatch):
    monkeypatch.setattr(deletions, "BATCH_POSTS", 2)
    (ann,) = await world.people("ann")
    world.wrote(ann, 5)
    with pytest.raises(NotMine):
        await world.operations.deletions.apply(UserDeleted(user_id=ann, at=NOW), FakeLease(looks=1))
    assert sum(post.deleted for post in world.posts.posts.values()) == 2


async def test_without_a_lease_there_is_no_tombstone(world):
    with pytest.raises(NotMine):
        world.operations.deletions.record(UserDeleted(user_id=1, at=NOW), FakeLease(looks=0))
    assert world.followers.rows == {}


@pytest.mark.parametrize("away", ["redis_down", "posts"])
async def test_a_store_that_is_away_makes_it_be_tried_again(world, away):
    (ann,) = await world.people("ann")
    (post_id,) = await world.write(ann, "text")
    event = PostDeleted(post_id=post_id, user_id=ann, deleted_at=NOW)
    target, flag = (world.posts, "down") if away == "posts" else (world, away)
    setattr(target, flag, True)
    with pytest.raises(StoreUnavailable):
        await world.apply(event)
    setattr(target, flag, False)
    await world.apply(event)
    assert world.posts.posts[post_id].deleted
    assert world.post_cache.kept[post_id].deleted
