"""Two workers on a Redis Cluster, under load: slots are moved, primaries die, and every timeline is as answered."""

import random
from contextlib import closing
from functools import partial

import psycopg2
import pytest
from redis.crc import key_slot

from microblog_streams.stores.redis.timeline_keys import BUCKETS, NEIGHBOURS, ClusterKeys
from tests.chaos.arena import scene_on
from tests.chaos.fault import Fault
from tests.chaos.scene import Scene
from tests.chaos.table import wrong
from tests.chaos.trial import Trial, attempt
from tests.support.live.processes import migrate_stack
from tests.support.live.stack import running_stack
from tests.support.servers.moving_slots import MovingSlot
from tests.support.servers.redis_cluster import Node, running_cluster

#: People are in every 16th bucket: some 15 of them in each, so that most posts are for several of them.
STEP = 16
#: Times that all their slots are moved under load, one after the other.
TIMES = 2
#: Calls while keys lie on both servers.
SOME = 30


@pytest.fixture
def cluster():
    with running_cluster(replicas=True) as running:
        yield running


@pytest.fixture
def scene(cluster):
    with running_stack() as stack:
        # Nothing but delivery mends timelines here.
        stack.stack.environment |= {"MICROBLOG_REDIS_URL": cluster.url, "MICROBLOG_RECONCILE_INTERVAL": "0"}
        migrate_stack(stack)
        spread_people(stack)
        with scene_on(stack) as scene:
            scene.random = random.Random(11)
            yield scene


def spread_people(stack):
    """Give people ids so far apart that those who register one after the other are in different buckets."""
    with closing(psycopg2.connect(stack.settings.postgres_url.get_secret_value())) as connection, connection:
        connection.cursor().execute(f"ALTER TABLE users ALTER COLUMN id SET INCREMENT BY {STEP * NEIGHBOURS}")


def timeline_slots():
    return [key_slot(ClusterKeys().of(bucket * NEIGHBOURS + 1)) for bucket in range(0, BUCKETS, STEP)]


def test_acknowledged_writes_survive_moving_slots_and_killed_primaries(scene, cluster, capsys):
    def slots_moved(scene: Scene) -> None:
        for slot in timeline_slots() * TIMES:
            moving = MovingSlot(cluster, slot)
            moving.begin()
            moving.carry(max(1, cluster.keys_in(slot) // 2))
            scene.rest(SOME)
            moving.end()

    def is_replaced(primary: Node) -> bool:
        return primary not in cluster.current_primaries()

    def primaries_killed(scene: Scene) -> None:
        for primary in cluster.current_primaries()[:2]:
            cluster.stack.kill(primary.name)
            scene.eventually(partial(is_replaced, primary), *scene.workers)
            scene.rest()
            cluster.stack.restart(primary.name)
            scene.eventually(cluster.whole, *scene.workers)

    trial = Trial("redis-cluster", is_followed=False)
    faults = [Fault("redis-slots-moved", slots_moved), Fault("redis-primaries-killed", primaries_killed)]
    attempt(scene, trial, faults, lambda words: None)
    with capsys.disabled():
        print(f"\n{trial.summary}")
    assert wrong(trial) == []
    assert trial.good
