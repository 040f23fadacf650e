"""What is asked of the wrong server is answered all the same, and what a cluster is not is told at the start."""

import asyncio
import secrets
import time

import pytest
from pydantic import SecretStr
from redis.crc import key_slot

from microblog_streams.domain.errors import SetupError, StoreUnavailable
from microblog_streams.domain.ids import encode_entry, new_post_id
from microblog_streams.domain.models import Post
from microblog_streams.domain.rates import parse
from microblog_streams.ports import TimelinePage, TimelineState
from microblog_streams.stores.redis.caches import PostCache
from microblog_streams.stores.redis.connection import Redis
from microblog_streams.stores.redis.rates import SharedRates
from microblog_streams.stores.redis.timeline_keys import ClusterKeys
from tests.support.connections import opened
from tests.support.servers.alone import serving
from tests.support.servers.moving_slots import MovingSlot
from tests.support.servers.redis_cluster import PASSWORD, Node
from tests.support.waiting import PATIENT_SECONDS, until

#: Seconds after which a server has given up a failover that it was asked for. It tells that to its log alone.
GIVEN_UP_SECONDS = 6.0


@pytest.fixture
def user():
    return secrets.randbits(60)


@pytest.fixture
def post():
    return Post(new_post_id(), 1, "text")


async def test_a_cached_post_is_found_on_both_sides_of_a_move(cluster, redis, post):
    """With several connections free, ASKING has to go ahead on the one that the command takes."""
    cache, moving = PostCache(redis), MovingSlot(cluster, key_slot(f"post:{post.id}".encode()))
    await asyncio.gather(*(cache.get_many([new_post_id()]) for _ in range(20)))
    moving.begin()
    await cache.fill([post])
    for _ in range(4):
        assert await cache.get_many([post.id]) == {post.id: post}
    await cache.delete(post.id, 1)
    moving.end()
    for _ in range(2):
        [mark] = (await cache.get_many([post.id])).values()
        assert mark.deleted


async def test_a_moved_slot_is_followed(cluster, redis, timelines, user):
    entry = encode_entry(new_post_id(), 1)
    await timelines.create(user)
    moving = MovingSlot(cluster, key_slot(ClusterKeys().of(user)))
    moving.move()
    assert await timelines.push([user], entry) == 1
    # Who says which server has the slot now may be a replica, which hears of it a moment later.
    await until(lambda: cluster.primary_of(key_slot(ClusterKeys().of(user))) is moving.target)
    MovingSlot(cluster, key_slot(ClusterKeys().of(user))).move()
    assert list(await timelines.warm([user, user + 1])) == [True, False]
    assert await timelines.older(user, None, 5) == TimelinePage(TimelineState.COMPLETE, [entry])


async def test_a_timeline_is_made_where_its_slot_moves_to(cluster, timelines, user):
    moving = MovingSlot(cluster, key_slot(ClusterKeys().of(user)))
    moving.begin()
    building = await timelines.begin(user)
    assert await timelines.finish(user, building, [], complete=True)
    moving.end()
    assert await timelines.older(user, None, 5) == TimelinePage(TimelineState.COMPLETE, [])


async def test_functions_lost_on_one_primary_are_loaded_there(cluster, timelines, user):
    await timelines.create(user)
    users = [user, *range(user + 1, user + 3_000)]
    for node in cluster.current_primaries():
        with node.client() as client:
            client.function_flush("SYNC")
            assert await timelines.push(users, encode_entry(new_post_id(), 1)) == 1


async def test_rates_are_counted_wherever_the_key_is(redis):
    rates = SharedRates(redis, timeout=PATIENT_SECONDS)
    for _ in range(10):
        who = secrets.token_hex(8)
        assert [(await rates.take(who, parse("2/hour"))).granted for _ in range(3)] == [True, True, False]
    rates.close()


async def test_another_primary_is_another_run(cluster, timelines):
    before = await timelines.run_id()
    replica = next(node for node in cluster.nodes if node not in cluster.current_primaries())
    asked_at = float("-inf")

    def taken_over():
        nonlocal asked_at
        if time.monotonic() > asked_at + GIVEN_UP_SECONDS:
            asked_at = time.monotonic()
            with replica.client() as client:
                client.execute_command("CLUSTER FAILOVER")
        return replica in cluster.current_primaries()

    await until(taken_over)

    async def another():
        try:
            return await timelines.run_id() != before
        except StoreUnavailable:
            return False

    await until(another)
    await until(cluster.whole)


async def test_a_frozen_primary_counts_as_silent(cluster, user):
    async with opened(Redis(cluster.settings.model_copy(update={"store_timeout": 0.3}))) as redis:
        frozen = cluster.current_primaries()[0]
        frozen.pause()
        try:
            with pytest.raises(StoreUnavailable, match="no answer in time"):
                await redis.ping()
        finally:
            frozen.resume()
        await until(lambda: answers(redis))
    await until(cluster.whole)


async def answers(redis):
    try:
        await redis.ping()
    except StoreUnavailable:
        return False
    return True


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("redis+cluster://:{password}@{place}/1", "expected redis\\+cluster://"),
        ("redis+cluster://:wrong@{place}", "refuses the login"),
        ("redis+cluster://{place}", "refuses the login"),
        ("redis+cluster://:{password}@{place}?nonsense=1", "nonsense"),
        ("redis://:{password}@{place}", "is part of a Redis Cluster: write redis\\+cluster://"),
    ],
)
async def test_an_impossible_command_is_reported_in_one_line(cluster, url, words):
    place = f"127.0.0.1:{cluster.nodes[0].port}"
    settings = {"redis_url": SecretStr(url.format(password=PASSWORD, place=place))}
    with pytest.raises(SetupError, match=words) as told:
        await Redis(cluster.settings.model_copy(update=settings)).connect()
    assert "\n" not in str(told.value)
    assert PASSWORD not in str(told.value)


async def test_a_single_server_is_no_cluster(cluster):
    class Alone(Node):
        name, port_names = "alone", ("alone", "alone-bus")

        def more(self):
            return ""

    with serving(Alone) as stack:
        url = f"redis+cluster://:{PASSWORD}@127.0.0.1:{stack.parts['alone'].port}"
        with pytest.raises(SetupError, match="cluster support disabled"):
            await Redis(cluster.settings.model_copy(update={"redis_url": SecretStr(url)})).connect()


async def test_a_start_waits_for_an_unreachable_cluster(cluster):
    settings = {"redis_url": SecretStr("redis+cluster://127.0.0.1:1,127.0.0.1:2"), "store_timeout": 2.0}
    with pytest.raises(StoreUnavailable):
        await Redis(cluster.settings.model_copy(update=settings)).connect()
