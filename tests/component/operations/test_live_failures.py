"""Following a timeline live while something fails: what was missed is made up for, or the page is read again."""

import asyncio
import gc
from types import SimpleNamespace

import pytest

from microblog_streams.aio.tasks import cancel_all
from microblog_streams.domain.errors import Busy, StoreUnavailable, Unfinished
from microblog_streams.operations.timelines import live
from tests.component.operations.live_readers import BOB, ann, follow
from tests.support.waiting import until

__all__ = ["ann", "follow"]


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


async def test_a_post_that_cannot_be_read_once_its_readers_have_left_is_no_error_of_the_loop(world, ann, monkeypatch):
    told, reading, gone = [], asyncio.Event(), asyncio.Event()
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context))
    [post] = await world.write(BOB, "one")

    async def views(entries, owner):
        reading.set()
        await gone.wait()
        raise StoreUnavailable("cassandra")

    monkeypatch.setattr(world.operations.live, "_hydration", SimpleNamespace(views=views))
    waiting = asyncio.create_task(world.operations.live._view(world.entry(post)))
    await reading.wait()
    await cancel_all([waiting])
    gone.set()
    await until(lambda: not world.operations.live._views)

    del waiting  # its traceback holds the task that reads
    gc.collect()
    assert told == []


async def test_a_stopping_worker_ends_its_streams_and_takes_no_more(world, follow, ann):
    told = await follow(ann)

    await world.operations.live.close()

    await told.ended()
    with pytest.raises(Busy):
        await follow(ann)


async def test_a_stream_that_begins_while_the_worker_stops_is_refused(world, follow, ann, monkeypatch):
    log = world.timelines.live
    listen = log.listen

    async def listen_late(users):
        await world.operations.live.close()
        return await listen(users)

    monkeypatch.setattr(log, "listen", listen_late)

    with pytest.raises(Busy):
        await follow(ann)
    assert not world.operations.live.readers


async def test_a_gap_that_a_log_may_have_is_told_after_a_read_that_fails(world, follow, ann, monkeypatch):
    monkeypatch.setattr(live, "RETRY_SECONDS", 0.001)
    told = await follow(ann)
    await told.until("reset")
    failures, log = [StoreUnavailable("redis", "a slot is being moved")], world.timelines.live
    listen = log.listen

    async def failing(users):
        if failures:
            raise failures.pop()
        return await listen(users)

    async def nothing():
        """No reset is logged by this worker."""

    monkeypatch.setattr(log, "listen", failing)
    monkeypatch.setattr(world.operations.live, "_log_resets", nothing)
    await until(lambda: log._subscribers)
    for queue in log._subscribers:
        queue.put_nowait([])
    await until(lambda: not failures)

    await told.until("reset", "reset")


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


async def test_leases_are_renewed_on_after_a_defect(world, follow, ann, monkeypatch, caplog):
    monkeypatch.setattr(live, "RENEW_SECONDS", 0.001)
    await follow(ann)
    renewed, real = [], world.timelines.live.listen

    async def listen(users):
        renewed.append(users)
        if len(renewed) == 1:
            raise ValueError(users)
        return await real(users)

    monkeypatch.setattr(world.timelines.live, "listen", listen)

    await until(lambda: len(renewed) >= 3)
    assert "live_leases_not_renewed" in caplog.text
