"""Two workers share the partitions; whichever comes or goes, no event is lost and no partition stands still."""

import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

PARTITIONS = set(range(8))


@pytest.fixture(scope="module")
def pair(module_workers, eventually):
    """Two workers that share the partitions, one of them with static membership."""
    pair = [module_workers().start(STATIC_MEMBERSHIP=static) for static in ("true", "false")]
    eventually(lambda: share(pair), *pair)
    return pair


def share(workers):
    """Return whether the workers are well and have each partition once."""
    if not all(worker.well() for worker in workers):
        return False
    parts = [set(worker.probe()["partitions"]) for worker in workers]
    return all(parts) and sum(map(len, parts)) == len(PARTITIONS) and set().union(*parts) == PARTITIONS


@pytest.fixture
def crowd(people):
    """Makes authors, enough for every partition, each with two followers."""

    def make(worker, count=12):
        authors = [people.register(worker) for _ in range(count)]
        edges = {author: [people.register(worker) for _ in range(2)] for author in authors}
        with ThreadPoolExecutor(4) as pool:
            pairs = [(follower, author) for author in authors for follower in edges[author]]
            list(pool.map(lambda pair: people.follow(worker, *pair), pairs))
        return edges

    return make


def complete(people, worker, crowd, posts):
    """Return whether every follower has every post of the author, once."""
    return all(
        sorted(people.timeline(worker, follower)) == sorted(posts[author])
        for author, followers in crowd.items()
        for follower in followers
    )


class Posting(threading.Thread):
    """Posts as everybody in turn, through whichever worker takes it, until it is told to stop."""

    def __init__(self, crowd, workers):
        super().__init__(daemon=True)
        self.posts = {author: [] for author in crowd}
        self.unsure = 0
        self._workers = workers
        self._over = threading.Event()

    def run(self):
        number = 0
        while not self._over.is_set():
            for author in self.posts:
                number += 1
                self._post(author, self._workers[number % len(self._workers)], number)

    def _post(self, author, worker, number):
        answer = worker.call("POST", "/posts/", {"userId": author, "content": str(number)})
        if answer.status == 201:
            self.posts[author].append(answer.body["postId"])
        else:
            self.unsure += 1

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exc):
        self._over.set()
        self.join()

    def delivered(self, people, worker, crowd):
        """Return whether every follower has every acknowledged post."""
        return all(
            set(self.posts[author][-60:]) <= set(people.timeline(worker, follower))
            for author, followers in crowd.items()
            for follower in followers
        )


def test_posts_and_follows_through_either_port_reach_the_right_partition(pair, people, crowd, kafka, eventually):
    one, other = pair
    edges = crowd(one, count=8)
    posts = {author: [] for author in edges}
    for author in edges:
        posts[author] += [people.post(one, author), people.post(other, author)]
    eventually(lambda: complete(people, other, edges, posts), *pair)

    for author, followers in edges.items():
        people.unfollow(other, followers[0], author)
        people.follow(other, followers[0], followers[1])
    eventually(lambda: all(people.timeline(one, followers[0]) == [] for followers in edges.values()), *pair)
    eventually(lambda: kafka.all_applied(pair[0]), *pair)


def test_a_rejoin_always_starts_a_new_generation(pair, eventually):
    """Kafka gives a follower that joins again unchanged the generation it had: nothing would be read again."""

    def generations():
        return [worker.probe()["generation"] for worker in pair]

    def joined(before):
        """Return whether both are in the same generation, a later one than ``before``."""
        one, other = generations()
        return share(pair) and one == other > before

    for worker in [*pair, *pair]:
        before = max(generations())
        assert worker.call("GET", "/probe/rejoin/").status == 200
        eventually(lambda before=before: joined(before), *pair)


def test_heartbeats_keep_a_session_alive(pair, eventually):
    """They go out every second; on a busy machine some are late, and not all of them."""
    for worker in pair:
        ages = []

        def kept(ages=ages, worker=worker):
            ages.append(worker.probe()["pulseAge"])
            renewed_at = [earlier for earlier, later in pairwise(ages) if later < earlier]
            return sum(age < 2 for age in renewed_at) >= 3

        eventually(kept, worker)


def test_workers_that_come_and_go_lose_nothing(pair, workers, people, crowd, kafka, eventually):
    one, other = pair
    edges = crowd(one)
    guest = workers()
    with Posting(edges, [one]) as posting:
        for _ in range(2):
            guest.start()
            eventually(lambda: share([*pair, guest]), *pair, guest)
            assert guest.stop() == 0, guest.tail()
            eventually(lambda: share(pair), *pair)
    assert posting.unsure == 0
    eventually(lambda: posting.delivered(people, other, edges), *pair)
    eventually(lambda: kafka.all_applied(pair[0]), *pair)
    for worker in pair:
        assert "events_skipped" not in worker.log.read_text()


def test_a_worker_frozen_beyond_its_session_overwrites_nothing(pair, people, crowd, kafka, eventually):
    one, other = pair
    edges = crowd(one)
    with Posting(edges, [one]) as posting:
        other.process.send_signal(signal.SIGSTOP)
        try:
            eventually(lambda: set(one.probe()["partitions"]) == PARTITIONS and one.well(), one)
        finally:
            other.process.send_signal(signal.SIGCONT)
        eventually(lambda: share(pair), *pair)
    eventually(lambda: posting.delivered(people, other, edges), *pair)
    eventually(lambda: kafka.all_applied(pair[0]), *pair)


def test_kafka_may_be_away_for_longer_than_a_session(pair, migrated, people, crowd, kafka, eventually):
    one, other = pair
    edges = crowd(one)
    with Posting(edges, pair) as posting:
        eventually(lambda: min(map(len, posting.posts.values())) > 0, *pair)
        migrated.stack.pause("kafka")
        try:
            eventually(lambda: posting.unsure > 0, *pair)
            eventually(lambda: all(worker.probe()["pulseAge"] > 6 for worker in pair), *pair)
            assert any(problem.startswith("group: ") for problem in one.call("GET", "/health").body["problems"])
        finally:
            migrated.stack.resume("kafka")
        before = sum(map(len, posting.posts.values()))
        eventually(lambda: sum(map(len, posting.posts.values())) > before, *pair)
    eventually(lambda: posting.delivered(people, other, edges), *pair)
    eventually(lambda: share(pair) and kafka.all_applied(pair[0]), *pair)


def test_a_killed_workers_partitions_are_taken_over_without_loss(pair, people, crowd, kafka, eventually):
    one, other = pair
    edges = crowd(one)
    with Posting(edges, pair) as posting:
        eventually(lambda: min(map(len, posting.posts.values())) > 1, *pair)
        other.kill()
        eventually(lambda: set(one.probe()["partitions"]) == PARTITIONS and one.well(), one)
    eventually(lambda: posting.delivered(people, one, edges), one)
    eventually(lambda: kafka.all_applied(one), one)
    other.start()
    eventually(lambda: share(pair), *pair)
