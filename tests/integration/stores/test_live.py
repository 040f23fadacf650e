"""Logs of followed timelines on real servers, one or a cluster: what is in them, and when they are not trusted."""

import asyncio
import random
import time

import pytest

from microblog_streams.ports.live import Change
from microblog_streams.stores.redis import live
from microblog_streams.stores.redis.live import LiveLogs
from microblog_streams.stores.redis.timelines import Timelines, keys
from tests.support.contracts.timeline_entries import KEPT, OTHER, entry, post
from tests.support.waiting import DEADLINE_SECONDS, until

pytestmark = pytest.mark.integration


@pytest.fixture
def timelines(redis):
    return Timelines(redis, KEPT)


@pytest.fixture
def logs(redis):
    return LiveLogs(redis)


@pytest.fixture
async def users(timelines):
    """Three users with empty timelines, on a cluster in different buckets."""
    first = random.getrandbits(50)
    users = [first, first + 1, first + 5_000]
    for user in users:
        await timelines.create(user)
    return users


@pytest.fixture
async def user(users):
    return users[0]


def kinds(arrivals):
    return [(arrival.change, arrival.value) for arrival in arrivals]


async def test_what_is_pushed_is_logged_in_the_order_of_arrival(timelines, logs, users):
    positions = await logs.listen(users)

    for number in (2, 1, 3):
        await timelines.push(users, entry(number))

    expected = [(Change.POST, entry(number)) for number in (2, 1, 3)]
    for user, position in zip(users, positions, strict=True):
        assert kinds(await logs.since(user, position, 10)) == expected
        assert kinds(await logs.since(user, position, 2)) == expected[:2]


async def test_only_what_a_timeline_took_is_logged(timelines, logs, user):
    [position] = await logs.listen([user])

    for _ in range(2):
        await timelines.push([user], entry(1))

    assert kinds(await logs.since(user, position, 10)) == [(Change.POST, entry(1))]


async def test_without_a_lease_nothing_is_logged(redis, timelines, logs, users):
    await logs.listen(users[:1])

    await timelines.push(users, entry(1))

    assert await redis.client.exists(keys(redis).log(users[1])) == 0


async def test_other_changes_of_the_list_are_logged_as_such(timelines, logs, user):
    [position] = await logs.listen([user])

    await timelines.merge(user, [entry(1), entry(2, OTHER)])
    await timelines.merge(user, [entry(1)])
    await timelines.purge(user, OTHER)
    await timelines.purge(user, OTHER)

    assert kinds(await logs.since(user, position, 10)) == [(Change.RESET, b"")] * 2


async def test_a_deletion_is_logged_for_those_who_are_followed(logs, users):
    positions = await logs.listen(users[1:])

    assert await logs.announce(users, Change.DELETE, post(1).bytes) == 2

    assert await logs.any()
    assert kinds(await logs.since(users[1], positions[0], 10)) == [(Change.DELETE, post(1).bytes)]


async def test_a_reset_is_logged_for_all_who_are_followed(logs, users):
    positions = await logs.listen(users[1:])

    assert await logs.reset_all() >= 2

    for user, position in zip(users[1:], positions, strict=True):
        assert kinds(await logs.since(user, position, 10)) == [(Change.RESET, b"")]


async def test_a_renewed_lease_keeps_the_log(timelines, logs, user):
    [position] = await logs.listen([user])
    await timelines.push([user], entry(1))

    [newest] = await logs.listen([user])

    assert kinds(await logs.since(user, position, 10)) == [(Change.POST, entry(1))]
    assert await logs.since(user, newest, 10) == []


@pytest.mark.parametrize(
    "position", ["1-1", "99999999999999-0", f"{2**64}-0", f"1-{2**64}", "", "x", "1-0; FLUSHALL", "0-0"]
)
async def test_an_unknown_position_is_known_to_be_unknown(logs, user, position):
    await logs.listen([user])

    assert await logs.since(user, position, 10) is None


async def test_a_position_from_before_the_log_was_cut_is_unknown(timelines, logs, user):
    [position] = await logs.listen([user])
    for number in range(1, 601):
        await timelines.push([user], entry(number))

    assert await logs.since(user, position, 10) is None


async def test_a_lapsed_lease_begins_another_log(timelines, logs, users, monkeypatch):
    """What was pushed in between was not logged, so the old position must not be trusted."""
    user, neighbour, _ = users
    monkeypatch.setattr(live, "LEASE_SECONDS", 0.05)
    [position] = await logs.listen([user])
    await asyncio.sleep(0.1)  # the lease is in the time of the server
    monkeypatch.setattr(live, "LEASE_SECONDS", 600)
    await logs.listen([neighbour])  # ends what has lapsed in the bucket
    await timelines.push([user], entry(1))

    [newest] = await logs.listen([user])

    assert await logs.since(user, position, 10) is None
    assert await logs.since(user, newest, 10) == []


async def test_a_lost_log_is_begun_anew(redis, logs, user):
    [position] = await logs.listen([user])
    await redis.client.delete(keys(redis).log(user))

    assert await logs.since(user, position, 10) is None
    [newest] = await logs.listen([user])
    assert await logs.since(user, newest, 10) == []


async def test_nothing_stays_for_ever(redis, logs, user):
    await logs.listen([user])

    for key in (keys(redis).log(user), *keys(redis).listeners()):
        assert await redis.client.pttl(key) <= 2 * live.LEASE_SECONDS * 1000
        assert await redis.client.pttl(key) != -1


async def test_a_push_signals_those_who_are_followed(timelines, logs, users):
    await logs.listen(users[1:])

    async with asyncio.timeout(DEADLINE_SECONDS), logs.wakes() as messages:
        woken = set()
        await timelines.push(users, entry(1))
        async for some in messages:
            woken |= set(some) & set(users)
            if len(woken) == 2:
                break

    assert woken == set(users[1:])


async def test_a_silent_subscription_is_tested_and_goes_on(redis, timelines, logs, user, monkeypatch):
    """When it is given up is told by tests/component/stores/test_live_subscription.py: here its clock is slow."""
    monkeypatch.setattr(live, "SILENCE_SECONDS", 0.05)
    monkeypatch.setattr(live, "monotonic", lambda: time.monotonic() / 10_000)
    await logs.listen([user])
    before = await pings(redis)

    async def tested():
        return await pings(redis) >= before + 3

    async with asyncio.timeout(DEADLINE_SECONDS), logs.wakes() as messages:
        waiting = asyncio.create_task(anext(messages))
        await until(tested)
        await timelines.push([user], entry(1))
        assert user in await waiting


async def pings(redis):
    """Return how many tests of connections the servers have answered."""
    told = await redis.run_on_all(lambda server: server.execute("INFO", "commandstats"))
    return sum(each.get("cmdstat_ping", {"calls": 0})["calls"] for each in told)
