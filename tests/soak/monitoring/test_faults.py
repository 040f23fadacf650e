"""Faults raise the alerts that are for them, and the alerts end with the faults.

The rules are those that are shipped, with waits and windows twenty times shorter; thresholds are the same.
"""

from contextlib import contextmanager

import pytest

from tests.support.live.command import Command
from tests.support.servers.prometheus import RULES, hasty, scraping

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
    with scraping(folder, targets, hasty(RULES, folder / "rules", SHORTER)) as server:
        yield server


@pytest.fixture
def alerts(server, pair, eventually):
    """Waits for alerts; before each test none fires."""
    eventually(lambda: server.query("microblog_ready == 1") and not server.firing(), *pair)

    class Alerts:
        def fire(self, *names, meanwhile=lambda: None):
            def look():
                meanwhile()
                return set(names) <= server.firing()

            eventually(look, *pair)

        def end(self, *names):
            eventually(lambda: not set(names) & server.firing(), *pair)

    return Alerts()


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


def test_a_killed_worker(alerts, pair):
    pair[1].kill()
    alerts.fire("MicroblogWorkerDown")
    pair[1].start()
    alerts.end("MicroblogWorkerDown")


def test_all_workers_killed(alerts, pair):
    for worker in pair:
        worker.kill()
    alerts.fire("MicroblogNoWorkerAnswers", "MicroblogNoWorkerDelivers")
    for worker in pair:
        worker.start()
    alerts.end("MicroblogNoWorkerAnswers", "MicroblogNoWorkerDelivers", "MicroblogWorkerDown")


def test_a_frozen_redis(alerts, without):
    with without("valkey", "pause"):
        alerts.fire("MicroblogStoreDown", "MicroblogCircuitOpen")
    alerts.end("MicroblogStoreDown", "MicroblogCircuitOpen")


def test_kafka_away_while_people_follow(alerts, without, pair, people, users):
    ann, _ = users
    late = people.register(pair[0])
    with without("kafka", "kill"):
        people.follow(pair[0], late, ann)
        alerts.fire("MicroblogOutboxOld", "MicroblogStoreDown")
    alerts.end("MicroblogOutboxOld", "MicroblogStoreDown")


def test_cassandra_away_while_people_post(alerts, without, pair, people, users):
    ann, _ = users
    with without("cassandra", "kill"):
        people.post(pair[0], ann)
        alerts.fire("MicroblogStoreDown", "MicroblogCommitsStandStill")
    alerts.end("MicroblogStoreDown", "MicroblogCommitsStandStill")


def test_postgres_away_while_people_call(alerts, without, pair):
    def register():
        pair[0].call("POST", "/users/", {"username": "late"})

    with without("postgres", "kill"):
        alerts.fire("MicroblogCallErrorBudgetBurns", meanwhile=register)


def test_a_record_that_cannot_be_decoded(alerts, stack, kafka):
    kafka.publish("post.created", b"1", b"not json")
    alerts.fire("MicroblogDeadLetters")
    assert Command(stack, "dead-letters", "discard", "--all", "--yes").ended() == 0
    alerts.end("MicroblogDeadLetters")
