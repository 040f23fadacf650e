"""Faults raise the alerts that are for them, and the alerts end with the faults.

The rules are those that are shipped, with waits and windows twenty times shorter; thresholds are the same.
"""

from contextlib import contextmanager

import pytest

from tests.support.live.command import Command
from tests.support.servers.prometheus import PATIENT_INTERVAL_SECONDS, RULES, hasty, scraping

SHORTER = 20


@pytest.fixture(scope="module")
def pair(module_workers, eventually):
    pair = [module_workers().start() for _ in range(2)]
    eventually(lambda: all(worker.well() for worker in pair), *pair)
    return pair


@pytest.fixture(scope="module")
def users(pair, people, eventually):
    """An author and a follower, whose timeline has had a post."""
    ann, bob = (people.register(pair[0]) for _ in range(2))
    people.follow(pair[0], bob, ann)
    post = people.post(pair[0], ann)
    eventually(lambda: people.timeline(pair[0], bob) == [post], *pair)
    return ann, bob


@pytest.fixture(scope="module")
def server(pair, users, tmp_path_factory):
    folder = tmp_path_factory.mktemp("prometheus")
    targets = [f"127.0.0.1:{worker.port}" for worker in pair]
    rules = hasty(RULES, folder / "rules", SHORTER)
    with scraping(folder, targets, rules, PATIENT_INTERVAL_SECONDS) as server:
        yield server


@pytest.fixture
def raises(server, pair, eventually):
    """Brings a fault about, waits until it has raised its alerts, ends it, and waits until they have ended.

    ``meanwhile`` is done again and again while the fault lasts. Both workers are well before it begins.
    """
    eventually(lambda: all(worker.well() for worker in pair), *pair)
    eventually(lambda: len(server.query("microblog_ready == 1")) == len(pair), *pair)

    def raises(fault, *alerts, meanwhile=lambda: None):
        def raised():
            meanwhile()
            return set(alerts) <= server.firing()

        def quiet():
            return not set(alerts) & server.firing()

        eventually(quiet, *pair)
        with fault:
            eventually(raised, *pair)
        eventually(quiet, *pair)

    return raises


@pytest.fixture
def without(stack):
    """Takes a part away for a block: ``kill`` or ``pause``."""

    @contextmanager
    def away(name, how):
        getattr(stack.stack, how)(name)
        try:
            yield
        finally:
            if how == "pause":
                stack.stack.resume(name)
            else:
                stack.stack.restart(name)

    return away


@contextmanager
def killed(*workers):
    for worker in workers:
        worker.kill()
    yield
    for worker in workers:
        worker.start()


def test_a_killed_worker(raises, pair):
    raises(killed(pair[1]), "MicroblogWorkerDown")


def test_all_workers_killed(raises, pair):
    raises(killed(*pair), "MicroblogNoWorkerAnswers", "MicroblogNoWorkerDelivers")


def test_a_frozen_redis(raises, without):
    raises(without("valkey", "pause"), "MicroblogStoreDown", "MicroblogCircuitOpen")


def test_kafka_away_while_people_follow(raises, without, pair, people, users):
    ann, _ = users
    late = people.register(pair[0])

    def follow():
        pair[0].call("POST", f"/users/{late}/follow/{ann}")

    raises(without("kafka", "kill"), "MicroblogStoreDown", "MicroblogOutboxOld", meanwhile=follow)


def test_cassandra_away_while_people_post(raises, without, pair, users):
    ann, _ = users

    def post():
        pair[0].call("POST", "/posts/", {"userId": ann, "content": "waits"})

    raises(without("cassandra", "kill"), "MicroblogStoreDown", "MicroblogCommitsStandStill", meanwhile=post)


def test_a_record_that_cannot_be_decoded(raises, stack, kafka):
    @contextmanager
    def undecodable():
        kafka.publish("post.created", b"1", b"not json")
        yield
        assert Command(stack, "dead-letters", "discard", "--all", "--yes").ended() == 0

    raises(undecodable(), "MicroblogDeadLetters")


def test_postgres_away_while_people_call(raises, without, pair):
    def register():
        pair[0].call("POST", "/users/", {"username": "late"})

    raises(without("postgres", "kill"), "MicroblogCallErrorBudgetBurns", meanwhile=register)
