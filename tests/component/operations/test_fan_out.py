"""Fan-out: into every follower's timeline and the author's, slice by slice, as long as the partition is held."""

import asyncio
from datetime import UTC, datetime

import pytest

from microblog_streams.domain.errors import NotMine, StoreUnavailable
from microblog_streams.domain.events import PostCreated
from microblog_streams.domain.ids import encode_entry, new_post_id, post_time
from microblog_streams.domain.models import Post
from microblog_streams.operations import fan_out
from microblog_streams.ports import Row
from tests.support.fakes.lease import FakeLease
from tests.support.waiting import DEADLINE_SECONDS, until

FOLLOWERS = range(100, 125)


def event(author, post_id=None):
    post_id = post_id or new_post_id()
    return PostCreated(post_id=post_id, user_id=author, content="text", created_at=post_time(post_id))


@pytest.fixture
async def author(world, monkeypatch):
    """An author whose 25 followers have rows in slices of 10, with unfollowed ones and others' rows in between."""
    monkeypatch.setattr(fan_out, "SLICE_ROWS", 10)
    (author,) = await world.people("author")
    for follower in FOLLOWERS:
        world.followers.write(author, follower, Row(1, True, None))
        await world.timelines.create(follower)
    for stranger in (*range(50, 70), 110_000):
        world.followers.write(author, stranger, Row(2, False, None))
        world.followers.write(author + 1, stranger, Row(1, True, None))
        await world.timelines.create(stranger)
    return author


def receivers(world):
    return sorted(user for user, kept in world.timelines.lists.items() if kept.entries)


async def test_it_reaches_all_followers_and_the_author_only(world, author):
    await world.operations.fan_out.deliver(event(author), world.lease)
    assert receivers(world) == [author, *FOLLOWERS]


async def test_twice_is_once(world, author):
    post = event(author)
    for _ in range(2):
        await world.operations.fan_out.deliver(post, world.lease)
    assert all(world.entries(user) == [encode_entry(post.post_id, author)] for user in receivers(world))


async def test_an_author_without_followers_has_their_own_timeline(world):
    (alone,) = await world.people("alone")
    await world.operations.fan_out.deliver(event(alone), world.lease)
    assert receivers(world) == [alone]


async def test_it_is_stored_before_anybody_sees_it(world, author):
    world.posts.down = True
    with pytest.raises(StoreUnavailable, match="cassandra"):
        await world.operations.fan_out.deliver(event(author), world.lease)
    assert receivers(world) == []


class TestStoring:
    """The worker that accepted the post stores it, too; once is enough, where that is known."""

    async def test_a_post_that_its_writer_stored_is_not_stored_again(self, world, author):
        post = await world.operations.posts.create(author, "text")
        world.posts.down = True
        await world.operations.fan_out.deliver(event(author, post.id), world.lease)
        assert receivers(world) == [author, *FOLLOWERS]

    async def test_a_post_that_its_writer_could_not_store_is_stored(self, world, author):
        world.posts.down = True
        post = await world.operations.posts.create(author, "text")
        world.posts.down = False
        assert world.post_cache.kept[post.id].content == "text"
        await world.operations.fan_out.deliver(event(author, post.id), world.lease)
        assert list(world.posts.posts) == [post.id]

    async def test_a_post_that_was_read_already_is_stored_all_the_same(self, world, author):
        """Its writer got no answer, and only the body was written: a reader sees no more than that."""
        post_id = new_post_id()
        world.posts.put_body(Post(post_id, author, "text"))
        assert (await world.operations.posts.get(post_id)).content == "text"
        await world.operations.fan_out.deliver(event(author, post_id), world.lease)
        assert await world.posts.newest(author, None, 10) == [post_id]

    async def test_where_redis_does_not_tell_it_is_stored(self, world, author):
        post = await world.operations.posts.create(author, "text")
        world.posts.posts.clear()
        world.post_cache.down = True
        await world.operations.fan_out.deliver(event(author, post.id), world.lease)
        assert list(world.posts.posts) == [post.id]

    async def test_an_old_one_is_stored_in_any_case(self, world, author, monkeypatch):
        """Its event may be read again because the store was lost."""
        post = await world.operations.posts.create(author, "text")
        world.posts.posts.clear()
        monkeypatch.setattr(fan_out, "FRESH_SECONDS", 0.0)
        await world.operations.fan_out.deliver(event(author, post.id), world.lease)
        assert list(world.posts.posts) == [post.id]


async def test_a_lease_that_is_lost_ends_it_before_the_next_slice(world, author):
    with pytest.raises(NotMine):
        await world.operations.fan_out.deliver(event(author), FakeLease(looks=3))
    assert receivers(world) == [author, *FOLLOWERS[:10]]


async def test_a_push_that_waited_for_its_turn_looks_at_the_lease_again(world, author, monkeypatch):
    """The partition may be another worker's by then, who has taken the author out of a timeline."""
    lease = FakeLease()
    real = world.timelines.push

    async def push(users, entry, deadline, low_priority, check):
        lease.looks = 0  # it goes while the push waits behind others
        check()
        return await real(users, entry, deadline, low_priority, check)

    monkeypatch.setattr(world.timelines, "push", push)
    with pytest.raises(NotMine):
        await world.operations.fan_out.deliver(event(author), lease)
    assert receivers(world) == []


async def test_the_next_owner_completes_it(world, author):
    post = event(author)
    with pytest.raises(NotMine):
        await world.operations.fan_out.deliver(post, FakeLease(looks=3))
    await world.worker().fan_out.deliver(post, world.lease)
    assert receivers(world) == [author, *FOLLOWERS]


async def test_a_push_does_not_outlive_the_lease(world, author):
    """The process may be frozen between its look at the lease and the push."""
    with pytest.raises(StoreUnavailable):
        await world.operations.fan_out.deliver(event(author), FakeLease(seconds=-1))
    assert receivers(world) == []


async def test_a_table_that_is_not_here_is_not_an_empty_one(world, author):
    world.followers.closed = True
    with pytest.raises(NotMine):
        await world.operations.fan_out.deliver(event(author), world.lease)


async def test_a_deleted_author_reaches_no_follower(world, author):
    world.followers.write(author, fan_out.TOMBSTONE, Row(1, False, datetime.now(UTC)))
    await world.operations.fan_out.deliver(event(author), world.lease)
    assert receivers(world) == []


class TestRunning:
    async def test_only_what_began_before_is_waited_for(self):
        running = fan_out.Running()
        with running.running(1):
            waiting = asyncio.create_task(running.wait(1))
            await asyncio.sleep(0)
            later = running.running(1)
            later.__enter__()
            await running.wait(2)
            assert not waiting.done()
        await waiting
        later.__exit__(None, None, None)
        await running.wait(1)

    async def test_one_that_failed_is_not_waited_for(self, world, author):
        world.redis_down = True
        with pytest.raises(StoreUnavailable):
            await world.operations.fan_out.deliver(event(author), world.lease)
        await world.operations.fan_out.running.wait(author)
        assert world.operations.fan_out.running.authors == {}

    async def test_one_that_was_cancelled_is_not_waited_for(self, world, author, monkeypatch):
        async def hang(*_):
            await asyncio.Event().wait()

        monkeypatch.setattr(world.timelines, "push", hang)
        task = asyncio.create_task(world.operations.fan_out.deliver(event(author), world.lease))
        await until(lambda: world.operations.fan_out.running.authors)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await world.operations.fan_out.running.wait(author)


async def test_after_so_many_slices_it_keeps_no_younger_post_waiting(world, author, monkeypatch):
    monkeypatch.setattr(fan_out, "HIGH_PRIORITY_SLICES", 2)
    low_priority = []
    real = world.timelines.push

    async def push(users, entry, deadline, goes_on, check):
        low_priority.append(goes_on)
        return await real(users, entry, deadline, goes_on, check)

    monkeypatch.setattr(world.timelines, "push", push)
    await world.operations.fan_out.deliver(event(author), world.lease)
    assert low_priority == [False, False, True, True]


async def test_a_fan_out_is_measured_by_its_followers_and_the_age_of_the_post(world, author):
    await world.operations.fan_out.deliver(event(author), world.lease)

    measures = world.operations.fan_out.measures
    assert (measures.followers.count, measures.followers.total) == (1, len(FOLLOWERS))
    assert measures.seconds.count == 1
    assert 0 <= measures.seconds.total < DEADLINE_SECONDS


async def test_the_exemplar_of_a_fan_out_is_the_event_that_logs_name(world, author):
    post = event(author)
    await world.operations.fan_out.deliver(post, world.lease)

    [exemplar] = filter(None, world.operations.fan_out.measures.seconds.exemplars)
    assert exemplar.labels == {"event_id": post.post_id}
    assert str(post.post_id) == post.ident
    assert exemplar.value == world.operations.fan_out.measures.seconds.total


async def test_a_post_from_a_clock_ahead_has_no_negative_age(world, author, monkeypatch):
    post = event(author)
    monkeypatch.setattr(fan_out.time, "time", lambda: 0.0)
    await world.operations.fan_out.deliver(post, world.lease)
    assert world.operations.fan_out.measures.seconds.total == 0.0


async def test_a_fan_out_that_did_not_end_is_not_measured(world, author):
    world.redis_down = True
    with pytest.raises(StoreUnavailable):
        await world.operations.fan_out.deliver(event(author), world.lease)
    assert world.operations.fan_out.measures.seconds.count == 0
