"""Two servers behind one address that is switched over, as a virtual IP, a DNS name or a managed endpoint is."""

import asyncio

import pytest
from pydantic import SecretStr
from redis import RedisError

from microblog_streams.delivery.offset_acks import RedisRestartMonitor
from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.domain.ids import encode_entry, new_post_id
from microblog_streams.local.reaper import wait_until
from microblog_streams.stores.redis.connection import Redis
from microblog_streams.stores.redis.timelines import Timelines
from tests.chaos.proxy import proxy
from tests.support.servers.redis_pair import TIMEOUT_SECONDS, address, running_pair
from tests.support.waiting import PATIENT_SECONDS, until

AUTHOR, READER = 1, 2
#: Calls at a time, each on a connection of its own.
CALLS = 8
#: Seconds within which calls must work again: less than the longest pause between two renewals of all connections.
SOON = 25


@pytest.fixture(scope="module")
def servers():
    with running_pair() as pair:
        yield pair


@pytest.fixture
def pair(servers):
    servers.reset()
    assert wait_until(lambda: emptied(servers.one), TIMEOUT_SECONDS)
    return servers


def emptied(server):
    try:
        return server.tell("FLUSHALL")
    except RedisError:  # for the primary the replica is behind where a busy machine keeps it waiting
        return False


@pytest.fixture
def endpoint(pair):
    with proxy(pair.one.port) as endpoint:
        yield endpoint


@pytest.fixture
async def redis(pair, endpoint):
    changed = {"redis_url": SecretStr(address(endpoint.port)), "store_timeout": PATIENT_SECONDS}
    redis = Redis(pair.stack.settings.model_copy(update=changed))
    await redis.connect()
    yield redis
    await redis.close()


@pytest.fixture
def timelines(redis):
    return Timelines(redis)


async def ports(redis):
    """The servers that so many connections of the pool lead to."""

    async def port():
        async with redis.translated() as client:
            return (await client.info("server"))["tcp_port"]

    return set(await asyncio.gather(*(port() for _ in range(CALLS))))


async def works(call):
    try:
        await call()
    except StoreUnavailable:
        return False
    return True


async def test_pushes_go_on_at_the_new_primary_and_unconfirmed_ones_belong_to_another_run(
    redis, timelines, pair, endpoint
):
    assert await ports(redis) == {pair.one.port}
    before = await timelines.run_id()

    pair.two.lead()
    endpoint.target = pair.two.port
    pair.one.follow(pair.two)
    entry = encode_entry(new_post_id(), AUTHOR)
    await until(lambda: works(lambda: timelines.create(READER)), SOON)
    await timelines.push([READER], entry)
    assert await ports(redis) == {pair.two.port}
    assert await timelines.run_id() != before
    await redis.ping()
    assert (await timelines.older(READER, None, 10)).entries == [entry]


async def test_a_demoted_primary_is_left_at_the_next_poll(redis, timelines, pair, endpoint):
    """It takes writes as before, and keeps our connections, but the address leads to another by now."""
    redis_restart_monitor = RedisRestartMonitor(timelines.run_id, 0.1)
    await redis_restart_monitor.check()
    assert await ports(redis) == {pair.one.port}
    run = redis_restart_monitor.run

    pair.two.lead()
    endpoint.target = pair.two.port
    await until(lambda: looked_until(redis_restart_monitor, run + 1), SOON)
    assert await ports(redis) == {pair.two.port}


async def looked_until(redis_restart_monitor, run):
    await redis_restart_monitor.check()
    return redis_restart_monitor.run >= run


async def test_a_demoted_primary_confirms_no_pushes_and_is_reported_unhealthy(redis, timelines, pair):
    assert await timelines.run_id()
    pair.two.lead()
    pair.one.follow(pair.two)
    with pytest.raises(StoreUnavailable, match="not a primary"):
        await timelines.run_id()
    with pytest.raises(StoreUnavailable, match="not a primary"):
        await redis.ping()
    with pytest.raises(StoreUnavailable):
        await timelines.create(READER)


async def test_a_primary_demoted_between_two_polls_is_another_run(timelines, pair):
    before = await timelines.run_id()
    pair.two.lead()
    pair.one.follow(pair.two)
    await until(pair.two.is_followed)
    pair.reset()
    await until(lambda: works(timelines.run_id), SOON)
    assert await timelines.run_id() != before


async def test_the_settings_of_the_new_primary_are_read(redis, timelines, pair, endpoint):
    await timelines.run_id()
    assert redis.warnings == []
    pair.two.tell("CONFIG", "SET", "maxmemory-policy", "allkeys-lru", "appendfsync", "no", "min-replicas-max-lag", "10")
    try:
        pair.two.lead()
        pair.one.follow(pair.two)
        endpoint.target = pair.two.port
        await until(lambda: works(timelines.run_id), SOON)
        assert redis.warnings == [
            "redis: maxmemory-policy is allkeys-lru, not volatile-ttl or noeviction",
            "redis: appendfsync is no, not everysec or always",
            "redis: min-replicas-max-lag is 10, not below MICROBLOG_ACK_HOLD, which is 2.5",
        ]
    finally:
        good = ("maxmemory-policy", "volatile-ttl", "appendfsync", "everysec", "min-replicas-max-lag", "2")
        pair.two.tell("CONFIG", "SET", *good)


async def test_a_primary_without_its_replica_confirms_no_pushes(redis, timelines, pair):
    await until(lambda: works(lambda: timelines.create(READER)))
    await timelines.run_id()
    pair.stack.pause("redis-two")
    try:
        await until(lambda: refused(lambda: timelines.create(READER + 1)))
        await until(lambda: refused(timelines.run_id))
        with pytest.raises(StoreUnavailable, match="not on 1 of its replicas"):
            await redis.ping()
    finally:
        pair.stack.resume("redis-two")
    await until(lambda: works(timelines.run_id))
    await redis.ping()


async def refused(call):
    return not await works(call)
