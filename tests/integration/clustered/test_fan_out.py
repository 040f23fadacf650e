"""Fan-outs while a cluster changes: a slot is moved, a primary dies. Every warm timeline has every entry, once."""

import asyncio
import secrets
import time
from dataclasses import dataclass, field

import pytest
from redis.crc import key_slot

from microblog_streams.delivery.offset_acks import RedisRestartMonitor
from microblog_streams.domain.errors import StoreUnavailable
from microblog_streams.domain.events import PostCreated
from microblog_streams.domain.ids import encode_entry, new_post_id, post_time
from microblog_streams.operations.fan_out import FanOut, Running
from microblog_streams.ports import Row, TimelinePage, TimelineState
from microblog_streams.stores.redis.timeline_keys import BUCKETS, NEIGHBOURS, ClusterKeys
from tests.support.fakes.caches import FakePostCache
from tests.support.fakes.followers import FakeFollowers
from tests.support.fakes.lease import FakeLease
from tests.support.fakes.posts import FakePosts
from tests.support.servers.moving_slots import MovingSlot
from tests.support.waiting import until

#: Every fourth of them is cold.
FOLLOWERS = 2_000
#: Seconds until what was done counts as safe, far more than a replica is behind.
HOLD = 0.5
#: Seconds until a replica has taken over.
TIMEOUT_SECONDS = 60


class Everybody:
    """An author whose followers have timelines on all servers, and what they should hold."""

    def __init__(self, timelines):
        self.timelines, self.followers = timelines, FakeFollowers()
        self.author = secrets.randbits(40) * NEIGHBOURS * BUCKETS
        self.people = range(self.author + 1, self.author + 1 + FOLLOWERS)
        self.warm = [self.author, *(user for user in self.people if user % 4)]
        self.fan_out = FanOut(self.followers, FakePosts(), FakePostCache(), timelines, Running())
        self.entries = []

    async def begin(self):
        for user in self.people:
            self.followers.write(self.author, user, Row(1, True, None))
        await asyncio.gather(*(self.timelines.create(user) for user in self.warm))

    def post(self):
        post_id = new_post_id()
        self.entries.append(encode_entry(post_id, self.author))
        return PostCreated(post_id=post_id, user_id=self.author, content="text", created_at=post_time(post_id))

    async def deliver(self, event):
        await self.fan_out.deliver(event, FakeLease())

    async def check(self):
        """Every warm timeline has each entry once, and no cold one has any."""
        wanted = TimelinePage(TimelineState.COMPLETE, sorted(self.entries, reverse=True))
        for user in self.warm:
            assert await self.timelines.older(user, None, 100) == wanted
        assert sum(await self.timelines.warm(self.people)) == len(self.warm) - 1


@pytest.fixture
async def everybody(timelines):
    everybody = Everybody(timelines)
    await everybody.begin()
    return everybody


async def test_pushes_go_on_while_a_slot_moves(cluster, everybody):
    """Nothing is tried again here: while the keys lie on both servers, each is asked for alone."""
    moving = MovingSlot(cluster, key_slot(ClusterKeys().of(everybody.author)))
    await everybody.deliver(everybody.post())
    moving.begin()
    await everybody.deliver(everybody.post())
    assert moving.carry(100) == 100
    await everybody.deliver(everybody.post())
    moving.end()
    # The server that is asked may be a replica, which hears of it a moment later.
    await until(lambda: cluster.primary_of(key_slot(ClusterKeys().of(everybody.author))) is moving.target)
    await everybody.deliver(everybody.post())
    await everybody.check()


async def test_no_post_is_lost_when_a_primary_dies_during_a_fan_out(cluster, everybody, timelines):
    """Events are repeated as delivery does it: where a call failed, and where Redis ran anew before it was proven."""
    dying = cluster.primary_of(key_slot(ClusterKeys().of(everybody.author)))
    effects = Effects(everybody, RedisRestartMonitor(timelines.run_id, HOLD))
    await effects.redis_restart_monitor.check()
    for _ in range(10):
        await effects.bring_about(everybody.post())
    killing = asyncio.create_task(asyncio.to_thread(dying.kill))
    for _ in range(10):
        await effects.bring_about(everybody.post())
    await killing
    await effects.bring_about(everybody.post())  # fails however late the primary died: its replica is not promoted yet
    await until(effects.proven)

    assert effects.redis_restart_monitor.run == 2
    assert effects.failed > 0
    cluster.stack.restart(dying.name)
    # It takes itself for a primary until it hears from the others.
    await until(lambda: cluster.whole() and dying not in cluster.current_primaries())
    await everybody.check()


@dataclass
class Effects:
    """What was delivered, in which run and when, until it is proven."""

    everybody: Everybody
    redis_restart_monitor: RedisRestartMonitor
    done: list[tuple[PostCreated, int, float]] = field(default_factory=list)
    failed: int = 0

    async def bring_about(self, event):
        end = time.monotonic() + TIMEOUT_SECONDS
        while True:
            assert time.monotonic() < end, "no other has taken over"
            run = self.redis_restart_monitor.run
            try:
                await self.everybody.deliver(event)
            except StoreUnavailable:
                self.failed += 1
                await asyncio.sleep(0.02)
            else:
                self.done.append((event, run, time.monotonic()))
                return

    async def proven(self):
        await self.redis_restart_monitor.check()
        before, self.done = self.done, []
        for event, run, at in before:
            if run != self.redis_restart_monitor.run:
                await self.bring_about(event)
            elif not self.redis_restart_monitor.is_durable(at):
                self.done.append((event, run, at))
        return not self.done
