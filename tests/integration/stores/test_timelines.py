"""The timelines on real servers, one or a cluster: the contract, and what only a server can lose, forget or expire."""

import asyncio
import random
import time
from uuid import UUID

import pytest

from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.ports import TimelineState
from microblog_streams.stores.redis.connection import Redis
from microblog_streams.stores.redis.timelines import KEPT_ENTRIES as FULL
from microblog_streams.stores.redis.timelines import UNREAD_MS, Timelines, keys
from tests.support.contracts.timeline_entries import KEPT, OTHER, down, entries, entry, numbers, post, whole
from tests.support.contracts.timelines import TimelineContract
from tests.support.waiting import until

pytestmark = pytest.mark.integration

DAY = UNREAD_MS // 30


@pytest.fixture
def timelines(redis):
    return Timelines(redis, KEPT)


@pytest.fixture
def key(redis):
    """Names a user's timeline."""
    return keys(redis).of


@pytest.fixture
async def user(timelines):
    """A user with an empty timeline."""
    user = random.getrandbits(62)
    await timelines.create(user)
    return user


class TestTimelines(TimelineContract):
    """The contract, on each server."""


class TestExpiry:
    async def test_a_timeline_expires_30_days_after_it_was_made(self, redis, user, key):
        assert UNREAD_MS - 60_000 < await redis.client.pttl(key(user)) <= UNREAD_MS

    async def test_reading_the_head_counts_anew_once_a_day_is_gone(self, redis, timelines, user, key):
        await redis.client.pexpire(key(user), UNREAD_MS - 2 * DAY)
        await timelines.older(user, None, 1)
        assert await redis.client.pttl(key(user)) > UNREAD_MS - DAY

    async def test_reading_it_again_within_a_day_writes_nothing(self, redis, timelines, user, key):
        await redis.client.pexpire(key(user), UNREAD_MS - DAY // 2)
        await timelines.older(user, None, 1)
        assert await redis.client.pttl(key(user)) <= UNREAD_MS - DAY // 2

    async def test_only_reading_the_head_extends_the_expiry(self, redis, timelines, user, key):
        await redis.client.pexpire(key(user), DAY)
        await timelines.older(user, UUID(int=2**128 - 1), 10)
        await timelines.push([user], entry(2))
        await timelines.push([user], entry(1))
        await timelines.merge(user, entries(range(10, 60)))
        await timelines.push([user], entry(99))
        await timelines.purge(user, OTHER)
        assert 0 < await redis.client.pttl(key(user)) <= DAY

    async def test_a_rebuild_counts_as_reading(self, redis, timelines, user, key):
        await timelines.remove(user)
        begun = await timelines.begin(user)
        assert await redis.client.pttl(key(user)) > UNREAD_MS - DAY
        await redis.client.pexpire(key(user), DAY)
        assert await timelines.finish(user, begun, entries(range(3 * KEPT)), complete=True)
        assert await redis.client.pttl(key(user)) > UNREAD_MS - DAY


class TestLayout:
    async def test_a_complete_timeline_is_stored_as_entries_and_a_mark(self, redis, timelines, user, key):
        await timelines.push([user], entry(1))
        assert await redis.client.lrange(key(user), 0, -1) == [entry(1), b"E"]
        assert len(entry(1)) == 24

    async def test_repeats_are_not_replicated(self, redis, timelines, user):
        """A worker that starts again repeats seconds of events: the server must not write them out once more."""
        await timelines.merge(user, entries(range(5)))
        before = await _written(redis)
        await timelines.merge(user, entries(range(5)))
        await timelines.push([user], entry(2))
        await timelines.purge(user, OTHER)
        await timelines.older(user, None, 5)
        assert await _written(redis) == before


class TestServer:
    async def test_functions_are_loaded_again_after_they_were_lost(self, redis, timelines, user):
        await timelines.push([user], entry(1))
        await redis.client.function_flush("SYNC")
        assert await asyncio.gather(*(timelines.push([user], entry(number)) for number in (2, 3, 4))) == [1, 1, 1]
        assert await whole(timelines, user) == (TimelineState.COMPLETE, [4, 3, 2, 1])

    async def test_a_foreign_key_violation_is_an_error_without_a_retry(self, redis, timelines, user, key):
        await redis.client.set(key(user), b"no list")
        with pytest.raises(Exception, match="WRONGTYPE") as caught:
            await timelines.push([user], entry(1))
        assert not isinstance(caught.value, StoreUnavailable)
        await timelines.remove(user)

    async def test_one_batch_that_fails_fails_the_push(self, redis, timelines, user, key):
        await redis.client.set(key(user), b"no list")
        with pytest.raises(Exception, match="WRONGTYPE"):
            await timelines.push([*range(user + 1, user + 1100), user], entry(1))
        await timelines.remove(user)

    async def test_without_a_connection_the_store_is_unavailable(self, redis_settings):
        away = Timelines(Redis(redis_settings))
        for call in (
            away.create(1),
            away.push([1], entry(1)),
            away.push([1, 2], entry(1)),
            away.older(1, None, 1),
            away.merge(1, [], time.monotonic() + 1),
            away.remove(1),
            away.warm([1]),
            away.run_id(),
        ):
            with pytest.raises(StoreUnavailable):
                await call

    async def test_the_server_refuses_a_call_after_its_deadline(self, redis, timelines, user):
        """The function runs after the deadline though it was called before: here it waits behind a slow server."""
        await timelines.merge(user, entries([1]), time.monotonic() + 60)
        await redis.run_on_all(lambda server: server.execute("CLIENT PAUSE", 60_000, "WRITE"))
        deadline = time.monotonic() + 0.1
        try:
            late = asyncio.create_task(timelines.merge(user, entries([2]), deadline))
            await until(lambda: time.monotonic() > deadline + 0.1)
        finally:
            await redis.run_on_all(lambda server: server.execute("CLIENT UNPAUSE"))
        assert not await late
        assert await whole(timelines, user) == (TimelineState.COMPLETE, [1])

    async def test_a_timeline_of_full_size(self, redis, user, key):
        timelines = Timelines(redis)
        await timelines.merge(user, entries(range(1, 2000, 2)))
        assert await timelines.push([user], entry(1000)) == 1
        tail = await timelines.older(user, post(1003), 1000)
        assert numbers(tail) == [1001, 1000, *range(999, 400, -2)]
        assert await redis.client.llen(key(user)) == FULL + 1

    async def test_late_posts_are_inserted_in_order_in_a_full_timeline(self, redis, user):
        timelines = Timelines(redis)
        numbers_in_disorder = random.Random(1).sample(range(700), 700)
        for number in numbers_in_disorder:
            assert await timelines.push([user], entry(number)) == 1
        assert [await timelines.push([user], entry(number)) for number in numbers_in_disorder] == [0] * 700
        assert (await timelines.older(user, None, 800)).entries == entries(range(699, -1, -1))
        for number in range(0, 700, 9):
            assert numbers(await timelines.older(user, post(number), 2)) == down(number - 1, max(number - 2, 0))
            assert numbers(await timelines.newer(user, post(number), 2)) == down(min(number + 2, 699), number + 1)


async def _written(redis):
    """Return how many writes the servers have made since they started: what AOF and replicas get."""
    told = await redis.run_on_all(lambda server: server.execute("INFO", "persistence"))
    return sum(each["rdb_changes_since_last_save"] for each in told)


class TestCounts:
    async def test_a_push_counts_cold_timelines_and_late_entries(self, timelines, user):
        warm, cold = range(user + 1, user + 21), range(user + 21, user + 51)
        for each in warm:
            await timelines.create(each)
        await timelines.push(warm[:2], entry(5))

        assert await timelines.push([*warm, *cold], entry(3)) == 20

        counts = timelines.counts
        assert (counts.pushed, counts.cold, counts.late) == (52, 30, 2)

    async def test_an_entry_that_is_there_already_is_not_late(self, timelines, user):
        for number in (5, 3, 3, 5):
            await timelines.push([user], entry(number))
        assert (timelines.counts.pushed, timelines.counts.late) == (4, 1)
