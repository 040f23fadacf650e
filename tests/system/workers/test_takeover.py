"""Who takes over, from what, and whom it disturbs."""

import shutil
import signal

import pytest

from microblog_streams.config.settings import PREFIX

CHANGELOG = "microblog-followers-changelog"
PARTITIONS = list(range(8))
#: A session that outlasts a start on a busy machine. The workers of later tests wait until it is over.
STATIC = {"STATIC_MEMBERSHIP": "true", "SESSION_TIMEOUT": "60"}


@pytest.fixture
def edges(people):
    """Makes authors with one follower each, by a worker; returns follower by author."""

    def make(worker, count=24):
        made = {people.register(worker): people.register(worker) for _ in range(count)}
        for author, follower in made.items():
            people.follow(worker, follower, author)
        return made

    return make


def in_sync(*workers):
    """Return whether the workers have all partitions among them, each once."""
    if not all(worker.well() for worker in workers):
        return False
    return sorted(partition for worker in workers for partition in worker.probe()["owned"]) == PARTITIONS


def warm(worker, kafka):
    """Return whether a worker's standbys have applied all that the changelog holds."""
    ends = {str(record.partition): record.offset for record in kafka.read(CHANGELOG)}
    standbys = worker.probe()["standbys"]
    return bool(standbys) and all(ends.get(partition, offset) == offset for partition, offset in standbys.items())


def other_half(partitions):
    return sorted({*PARTITIONS} - {*partitions})


def delivered(people, worker, edges):
    """Post as every author; return whether each follower has the post, to be asked again and again."""
    posts = {follower: people.post(worker, author) for author, follower in edges.items()}
    return lambda: all(post in people.timeline(worker, follower) for follower, post in posts.items())


def test_a_standby_takes_over_without_reading_the_changelog_back(workers, people, kafka, edges, eventually):
    one, other = (workers().start(STANDBY_REPLICAS="1") for _ in range(2))
    eventually(lambda: in_sync(one, other), one, other)
    followers = edges(one)
    eventually(lambda: kafka.all_applied(one) and warm(one, kafka), one, other)
    before = one.probe()

    other.kill()
    eventually(lambda: in_sync(one), one)

    assert list(map(int, before["standbys"])) == other_half(before["owned"])
    assert one.probe()["replayed"] == before["replayed"]
    eventually(delivered(people, one, followers), one)


def test_without_a_standby_the_changelog_is_read_back(workers, people, kafka, edges, eventually):
    """And without the table's folder too: nothing but the changelog is needed."""
    worker = workers().start()
    eventually(lambda: in_sync(worker), worker)
    followers = edges(worker)
    eventually(lambda: kafka.all_applied(worker), worker)

    worker.kill()
    shutil.rmtree(f"{worker.environment[f'{PREFIX}DATA_DIR']}/workers/{worker.name}")
    worker.start()
    eventually(lambda: in_sync(worker), worker)

    assert worker.probe()["replayed"] >= len(followers)
    eventually(delivered(people, worker, followers), worker)


@pytest.fixture(scope="module")
def static_pair(module_workers, eventually):
    """Two workers with static membership, and a session that outlasts a start."""
    pair = [module_workers().start(**STATIC) for _ in range(2)]
    eventually(lambda: in_sync(*pair), *pair)
    return pair


@pytest.mark.parametrize("way", [signal.SIGTERM, signal.SIGKILL])
def test_a_restart_within_the_session_causes_no_rebalance(static_pair, people, edges, eventually, way):
    one, other = static_pair
    followers = edges(one)
    before, its = one.probe(), other.probe()["owned"]

    other.signal(way)
    other.start(**STATIC)
    eventually(lambda: in_sync(one, other), one, other)

    after = one.probe()
    for what in ("generation", "rebalances", "owned", "replayed"):
        assert after[what] == before[what], what
    assert other.probe()["owned"] == its
    eventually(delivered(people, one, followers), one, other)
