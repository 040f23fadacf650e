"""Following a timeline live: what arrives, once and in the order of arrival, also over breaks."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from microblog_streams.domain.errors import Busy, NotFound, StoreUnavailable, Unfinished
from microblog_streams.domain.ids import PUBLIC
from microblog_streams.operations.timelines import live
from microblog_streams.ports.live import Change
from tests.support.waiting import DEADLINE_SECONDS, until


class Told:
    """A reader, and what they were told so far: posts' texts, ids of deletions, "reset"."""

    def __init__(self, reader):
        self.reader, self.events = reader, []

    @property
    def position(self):
        return self.events[-1].position

    async def until(self, *expected):
        """Read on until exactly these were told."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while len(self.events) < len(expected):
                self.events += await self.reader.next() or [None]
        assert [said(event) for event in self.events] == list(expected)

    async def ended(self):
        async with asyncio.timeout(DEADLINE_SECONDS):
            while (more := await self.reader.next()) is not None:
                self.events += more


def said(event):
    match event.change:
        case Change.POST:
            return event.post.content
        case Change.DELETE:
            return event.post_id
    return "reset"


@pytest.fixture
async def follow(world):
    """Follows a timeline to the end of the test, or of a block."""
    async with AsyncExitStack() as stack:

        async def start(user, position=None, worker=None, reader=None):
            operations = worker or world.operations
            return Told(await stack.enter_async_context(operations.live.follow(user, position, reader)))

        yield start
    await world.operations.live.close()


@pytest.fixture
async def ann(world):
    """Ann (1), who follows Bob (2)."""
    ann, bob = await world.people("ann", "bob")
    await world.follow(ann, bob)
    return ann


BOB = 2


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


async def test_a_lost_signal_is_made_up_for_by_the_next_look(world, follow, ann, monkeypatch):
    monkeypatch.setattr(live, "SWEEP_SECONDS", 0.01)
    told = await follow(ann)
    world.timelines.live.silent = True

    await world.write(BOB, "one")

    await told.until("reset", "one")


async def test_a_broken_subscription_is_renewed(world, follow, ann, monkeypatch):
    monkeypatch.setattr(live, "RETRY_SECONDS", 0.0)
    told = await follow(ann)
    await told.until("reset")
    world.timelines.live.cut_off()
    world.timelines.live.silent = True
    await world.write(BOB, "meanwhile")
    world.timelines.live.silent = False

    await world.write(BOB, "after")

    await told.until("reset", "meanwhile", "after")


async def test_after_redis_lost_everything_the_page_is_to_be_read_again(world, follow, ann, monkeypatch):
    monkeypatch.setattr(live, "SWEEP_SECONDS", 0.01)
    told = await follow(ann)
    await told.until("reset")

    world.timelines.lists.clear()
    world.timelines.live.logs.clear()
    await told.until("reset", "reset")
    await world.write(BOB, "after")

    await told.until("reset", "reset", "after")


async def test_a_post_that_is_pushed_again_after_a_loss_is_told_once(world, follow, ann):
    """Redis lost the entry and kept the log's beginning: the event is applied again."""
    told = await follow(ann)
    [post] = await world.write(BOB, "one")
    await told.until("reset", "one")
    entry = world.entry(post)
    world.timelines.lists[ann].entries.remove(entry)

    await world.timelines.push([ann], entry)
    await world.write(BOB, "two")

    await told.until("reset", "one", "two")


async def test_a_slow_reader_is_cut_off_and_comes_back_with_their_position(world, follow, ann, monkeypatch):
    monkeypatch.setattr(live, "MAX_WAITING", 4)
    slow, quick = await follow(ann), await follow(ann)
    await slow.until("reset")
    await quick.until("reset")
    for number in range(6):
        await world.write(BOB, str(number))
        await quick.until("reset", *map(str, range(number + 1)))
    await slow.ended()
    assert len(slow.events) < 6

    again = await follow(ann, slow.position)
    await again.until(*map(str, range(len(slow.events) - 1, 6)))


async def test_a_read_that_fails_is_repeated(world, follow, ann, monkeypatch):
    monkeypatch.setattr(live, "RETRY_SECONDS", 0.0)
    told = await follow(ann)
    await told.until("reset")
    failures = [True, True]
    real = world.timelines.live.since

    async def since(*arguments):
        if failures:
            world.timelines.live.down = failures.pop()
            try:
                return await real(*arguments)
            finally:
                world.timelines.live.down = False
        return await real(*arguments)

    monkeypatch.setattr(world.timelines.live, "since", since)
    await world.write(BOB, "one")

    await told.until("reset", "one")


async def test_a_stopping_worker_ends_its_streams_and_takes_no_more(world, follow, ann):
    told = await follow(ann)

    await world.operations.live.close()

    await told.ended()
    with pytest.raises(Busy):
        await follow(ann)


async def test_where_a_log_may_lack_something_the_page_is_to_be_read_again(world, follow, ann):
    told = await follow(ann)
    await told.until("reset")

    await until(lambda: world.timelines.live._subscribers)
    for queue in world.timelines.live._subscribers:
        queue.put_nowait([])

    await told.until("reset", "reset")


async def test_who_is_away_while_a_log_may_lack_something_reads_the_page_again_too(world, follow, ann, monkeypatch):
    monkeypatch.setattr(live, "RETRY_SECONDS", 0.001)
    (cleo,) = await world.people("cleo")
    told = await follow(ann)
    await told.until("reset")
    await follow(cleo)
    log = world.timelines.live

    async def down():
        raise StoreUnavailable("redis", "a slot is being moved")

    async with world.operations.live.follow(BOB, None):
        [position] = await log.listen([BOB])
    await until(lambda: log._subscribers)
    with monkeypatch.context() as failing:
        failing.setattr(log, "reset_all", down)
        for queue in log._subscribers:
            queue.put_nowait([])
        await told.until("reset", "reset")
    again = await follow(BOB, position)

    await again.until("reset")


async def test_a_defect_ends_the_stream_and_its_reader_can_come_back(world, follow, ann, monkeypatch, caplog):
    told = await follow(ann)
    await told.until("reset")

    async def defect(arrival):
        raise ValueError(arrival)

    with monkeypatch.context() as broken:
        broken.setattr(world.operations.live, "_event", defect)
        await world.write(BOB, "one")
        await told.ended()

    again = await follow(ann, told.position)
    await again.until("one")
    assert "live_feed_failed" in caplog.text


async def test_the_stream_of_a_deleted_user_ends_without_a_word_of_a_defect(world, follow, ann, monkeypatch, caplog):
    monkeypatch.setattr(live, "SWEEP_SECONDS", 0.001)
    told = await follow(ann)

    await world.operations.users.delete(ann)
    await world.timelines.remove(ann)
    await told.ended()

    assert "live_feed_failed" not in caplog.text


async def test_a_timeline_that_is_rebuilt_slowly_does_not_end_its_streams(world, follow, ann, monkeypatch):
    monkeypatch.setattr(live, "SWEEP_SECONDS", 0.001)
    monkeypatch.setattr(live, "RETRY_SECONDS", 0.001)
    told = await follow(ann)
    await told.until("reset")
    failures = [Unfinished(), StoreUnavailable("cassandra", "it is away")]
    warm = world.operations.live._warm

    async def failing(user):
        if failures:
            raise failures.pop()
        await warm(user)

    monkeypatch.setattr(world.operations.live, "_warm", failing)
    await until(lambda: not failures)
    await world.write(BOB, "one")

    await told.until("reset", "one")


async def test_leases_are_renewed_while_a_timeline_is_followed(world, follow, ann, monkeypatch):
    monkeypatch.setattr(live, "RENEW_SECONDS", 0.001)
    await follow(ann)

    await until(lambda: world.timelines.live.listened[ann] >= 3)


async def test_without_a_user_there_is_no_stream(world, follow):
    with pytest.raises(NotFound):
        await follow(99)
