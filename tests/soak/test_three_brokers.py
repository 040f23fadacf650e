"""Two workers on three Kafka brokers, under load: brokers die, are away and are restarted, and nothing is lost.

Three replicas of each partition, of which two must be in sync, as docs/operating.md says for production.
"""

import random
from functools import partial

import pytest
from aiokafka.errors import KafkaError

from microblog_streams.config.settings import PREFIX
from microblog_streams.domain import topics
from microblog_streams.local.kafka import Kafka
from microblog_streams.local.stack import PARTS
from tests.chaos.arena import WORKERS, scene_on
from tests.chaos.fault import Fault
from tests.chaos.lasting import KAFKA_AWAY, during
from tests.chaos.onlooker import Onlooker
from tests.chaos.scene import DEADLINE
from tests.chaos.table import wrong
from tests.chaos.trial import Trial, attempt
from tests.support.live.processes import migrate_stack
from tests.support.live.stack import running_stack
from tests.support.servers.kafka_cluster import BROKERS, KafkaCluster

pytestmark = pytest.mark.integration

#: Tries of a call that must work while brokers come and go: a partition has no leader for some seconds.
TRIES = 10
#: A confirmation takes two brokers, on a machine that runs three of them and everything else.
PATIENT = {f"{PREFIX}PUBLISH_TIMEOUT": "4"}


@pytest.fixture(scope="module")
def scene():
    with running_stack([*BROKERS, *(kind for kind in PARTS if kind is not Kafka)]) as stack:
        stack.stack.environment |= KafkaCluster(stack.stack).environment
        migrate_stack(stack)
        stack.stack.environment |= PATIENT
        with scene_on(stack) as scene:
            scene.random = random.Random(11)
            yield scene


@pytest.fixture
def cluster(scene):
    return KafkaCluster(scene.stack.stack)


@pytest.fixture
def suffer(scene, cluster, capsys):
    """Runs a strike under load, and compares every timeline with what the answers imply."""

    def run(name, strike):
        assert len(scene.workers) == WORKERS
        trial = Trial(name)
        attempt(scene, trial, [Fault(name, strike)], lambda words: None)
        with capsys.disabled():
            print(f"\n{name}: {trial.report.expected} entries, {sum(trial.history.answered.values())} calls")
        assert trial.good, "\n".join(wrong(trial))

    return run


def in_sync(scene, cluster):
    """Wait until all replicas of all partitions are in sync again."""

    def holds():
        try:
            return cluster.in_sync()
        except (KafkaError, OSError):
            return False

    scene.eventually(holds, *scene.workers, seconds=DEADLINE)


def test_the_leaders_die_one_after_the_other(scene, cluster, suffer):
    """Of the topic of the posts, of the changelog, and of the offsets: that one is the group's coordinator."""

    def strike(scene):
        for topic in (topics.POST_CREATED, "microblog-followers-changelog", "__consumer_offsets"):
            onlooker, dead = Onlooker(scene, tries=TRIES), cluster.leader(topic)
            dead.kill()
            scene.rest()
            onlooker.posts_on()
            onlooker.sees_everything()
            scene.stack.stack.restart(dead.name)
            in_sync(scene, cluster)

    suffer("leaders-killed", strike)


def test_the_controller_dies(scene, cluster, suffer):
    def strike(scene):
        for _ in range(2):
            onlooker, dead = Onlooker(scene, tries=TRIES), cluster.controller()
            dead.kill()
            scene.rest()
            assert cluster.controller() is not dead
            onlooker.posts_on()
            onlooker.sees_everything()
            scene.stack.stack.restart(dead.name)
            in_sync(scene, cluster)

    suffer("controller-killed", strike)


def test_two_brokers_are_away_and_posts_are_refused_until_they_are_back(scene, cluster, suffer):
    """With min.insync.replicas=2 the last broker acknowledges no record."""

    def goes_on(onlooker):
        onlooker.reads_everything()
        onlooker.registers_and_follows()
        onlooker.is_refused_posts()

    def strike(scene):
        onlooker = Onlooker(scene, tries=TRIES)
        dead = scene.random.sample(cluster.brokers, 2)
        for broker in dead:
            broker.kill()
        during(KAFKA_AWAY, partial(goes_on, onlooker))
        for broker in dead:
            scene.stack.stack.restart(broker.name)
        in_sync(scene, cluster)
        scene.rest()
        onlooker.posts_on()
        onlooker.sees_everything()

    suffer("two-brokers-away", strike)


def test_a_rolling_restart_loses_nothing(scene, cluster, suffer):
    def strike(scene):
        onlooker = Onlooker(scene, tries=TRIES)
        for broker in cluster.brokers:
            scene.stack.stack.restart(broker.name)
            in_sync(scene, cluster)
            onlooker.posts_on()
            onlooker.sees_everything()
        scene.rest()

    suffer("rolling-restart", strike)
