"""A frozen server that goes on finds calls in its buffers that were given up long ago: it must not make them any more.

A push that lands after an unfollow's purge is a stray, and an empty timeline that lands after a follow hides posts.
"""

import secrets

import pytest

from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.ports import Building, TimelinePage, TimelineState
from microblog_streams.stores.redis.connection import Redis
from microblog_streams.stores.redis.timelines import Timelines
from tests.support.connections import opened
from tests.support.contracts.timeline_entries import AUTHOR, KEPT, entries, entry, whole
from tests.support.waiting import until

pytestmark = pytest.mark.integration

CHANGES = {
    "push": lambda timelines, user, _: timelines.push([user], entry(2)),
    "push to many": lambda timelines, user, _: timelines.push([user, user + 1], entry(2)),
    "merge": lambda timelines, user, _: timelines.merge(user, entries([2])),
    "purge": lambda timelines, user, _: timelines.purge(user, AUTHOR),
    "take over": lambda timelines, user, building: timelines.begin(user, takeover=building.token),
    "finish": lambda timelines, user, building: timelines.finish(user, building, entries([2]), complete=True),
}


@pytest.fixture
async def redis(stack):
    async with opened(Redis(stack.settings)) as redis:
        yield redis


@pytest.fixture
def timelines(redis):
    return Timelines(redis, KEPT)


@pytest.fixture
async def impatient(stack, redis):
    """The timelines of a worker that gives a call up after half a second, and whose functions are loaded."""
    connection = Redis(stack.settings.model_copy(update={"store_timeout": 0.5}))
    timelines = Timelines(connection, KEPT)

    async def loaded():
        try:
            await timelines.create(0)
        except StoreUnavailable:  # the machine is busy, and the circuit open for a moment
            return False
        return True

    async with opened(connection):
        await until(loaded)
        yield timelines
    await Timelines(redis, KEPT).remove(0)


@pytest.fixture
def freeze(stack, redis):
    """Make a call while the server stands still, which gives it up; return once the server has come to it after all."""

    async def freeze(call):
        before = await calls(redis)
        stack.stack.pause("valkey")
        try:
            with pytest.raises(StoreUnavailable):
                await call()
        finally:
            stack.stack.resume("valkey")

        async def arrived():
            return await calls(redis) > before

        await until(arrived)

    return freeze


@pytest.fixture
def user():
    return secrets.randbits(62)


@pytest.mark.parametrize("change", CHANGES)
async def test_a_timed_out_change_is_not_applied_later(timelines, impatient, freeze, user, change):
    building = await timelines.begin(user)
    await timelines.push([user], entry(1))
    await freeze(lambda: CHANGES[change](impatient, user, building))
    assert await timelines.older(user, None, 10) == TimelinePage(TimelineState.BUILDING, entries([1]))
    assert await timelines.building(user) == Building(building.token, 0)


@pytest.mark.parametrize("make", [Timelines.create, Timelines.begin])
async def test_a_timed_out_creation_is_not_applied_later(timelines, impatient, freeze, user, make):
    await freeze(lambda: make(impatient, user))
    assert await whole(timelines, user) == (TimelineState.COLD, [])


async def test_the_next_try_is_made(timelines, impatient, freeze, user):
    await timelines.create(user)
    await freeze(lambda: impatient.push([user], entry(1)))
    assert await timelines.push([user], entry(1)) == 1


async def calls(redis):
    """Return how many functions the server has called since it started."""
    return (await redis.client.info("commandstats")).get("cmdstat_fcall", {"calls": 0})["calls"]
