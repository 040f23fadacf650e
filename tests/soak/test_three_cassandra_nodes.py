"""Two workers on three Cassandra nodes with three copies of everything: one node dies, one lags and is repaired.

All under load: nothing is lost, and reads find what the lagging node lacks.
"""

import random

import pytest
from redis import Redis

from microblog_streams.local.cassandra import Cassandra
from microblog_streams.local.stack import PARTS
from tests.chaos.arena import scene_on
from tests.chaos.fault import Fault
from tests.chaos.onlooker import Onlooker
from tests.chaos.scene import DEADLINE, SOME
from tests.chaos.table import wrong
from tests.chaos.trial import Trial, attempt
from tests.support.live.processes import migrate_stack
from tests.support.live.stack import running_stack
from tests.support.servers.cassandra_nodes import NODES, ThreeNodes

pytestmark = pytest.mark.integration

#: Tries of a call that must work: while a node is not yet taken for dead some calls are told to come back.
TRIES = 10


@pytest.fixture(scope="module")
def scene():
    with running_stack([*NODES, *(kind for kind in PARTS if kind is not Cassandra)]) as stack:
        nodes = ThreeNodes(stack.stack)
        stack.stack.environment |= nodes.environment
        migrate_stack(stack)
        nodes.have_three_copies()
        with scene_on(stack) as scene:
            scene.random = random.Random(11)
            yield scene


@pytest.fixture
def cluster(scene):
    cluster = ThreeNodes(scene.stack.stack)
    scene.eventually(cluster.together, *scene.workers, seconds=DEADLINE)
    return cluster


@pytest.fixture
def suffer(scene, capsys):
    """Runs a strike under load, and sees that every timeline is as the answers say."""

    def run(name, strike):
        trial = Trial(name)
        attempt(scene, trial, [Fault(name, strike)], lambda words: None)
        with capsys.disabled():
            print(f"\n{name}: {trial.report.expected} entries, {sum(trial.history.answered.values())} calls")
        assert trial.good, "\n".join(wrong(trial))

    return run


def forget_timelines(scene):
    """Empty Redis: timelines are rebuilt from Cassandra from now on."""
    with Redis.from_url(scene.stack.settings.redis_url.get_secret_value()) as redis:
        redis.flushall()


def test_a_node_dies_and_the_others_go_on(scene, cluster, suffer):
    def strike(scene):
        for node in cluster.nodes:
            onlooker = Onlooker(scene, tries=TRIES)
            node.kill()
            scene.rest()
            onlooker.posts_on()
            onlooker.sees_everything()
            scene.stack.stack.restart(node.name)
            scene.eventually(cluster.together, *scene.workers, seconds=DEADLINE)

    suffer("cassandra-node-killed", strike)


def test_reads_find_what_a_node_lacks_until_it_is_repaired(scene, cluster, suffer):
    """While another node is dead, every quorum includes the one that lags."""
    whole, other, lagging = cluster.nodes

    def strike(scene):
        onlooker = Onlooker(scene, tries=TRIES)
        lagging.kill()
        scene.rest(10 * SOME)
        onlooker.posts_on()
        onlooker.sees_everything()
        scene.stack.stack.restart(lagging.name)
        scene.eventually(cluster.together, *scene.workers, seconds=DEADLINE)
        missed = cluster.posts_of(whole) - cluster.posts_of(lagging)
        assert len(missed) > 20, "the node lacks nothing"

        other.kill()
        forget_timelines(scene)
        scene.rest()
        onlooker.posts_on()
        onlooker.sees_everything()
        scene.stack.stack.restart(other.name)
        scene.eventually(cluster.together, *scene.workers, seconds=DEADLINE)

        assert missed - cluster.posts_of(lagging), "reads have repaired everything"
        lagging.repair(scene.stack.stack.children)
        assert missed - cluster.posts_of(lagging) == set()

    suffer("cassandra-node-lags", strike)
