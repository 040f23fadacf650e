"""The checker is not blind: it says what a real worker does wrong, and of one that does not, nothing."""

import random

import pytest
from redis import Redis

from benchmarks.expectation import Item
from microblog_streams.stores.redis.timelines import key
from tests.support.live.kafka import Kafka
from tests.support.waiting import DEADLINE_SECONDS
from tests.support.workload.audience import Audience
from tests.support.workload.gateway import Gateway
from tests.support.workload.history import History
from tests.support.workload.reading import check


@pytest.fixture(scope="module")
def worker(module_workers, eventually):
    """A worker that does what it is told wrong; wrong timelines are left to the checker."""
    worker = module_workers(app="tests.support.live.wrong").start(RECONCILE_INTERVAL="0")
    eventually(worker.well, worker)
    return worker


@pytest.fixture
def make(worker):
    """Has the worker do one thing wrong, or nothing."""

    def make(wrong):
        assert worker.call("GET", f"/wrong/{wrong or 'nothing'}/").status == 200, worker.tail()
        return worker

    return make


@pytest.fixture
def forgotten(stack):
    """Users whose timelines are made cold after the test: a worker of another test would find them wrong."""
    users = []
    yield users
    with Redis.from_url(stack.settings.redis_url.get_secret_value()) as client:
        client.delete(*map(key, users))


@pytest.fixture
def act(people, kafka: Kafka, eventually, forgotten):
    """Ann posts before and after three others follow her; one unfollows. Return the report once all is quiet."""

    def act(worker):
        ann, *others = [people.register(worker) for _ in range(4)]
        forgotten.extend([ann, *others])
        history = History(people={ann, *others})
        history.posted(Item(people.post(worker, ann, "before"), ann, "before"))
        for other in others:
            people.follow(worker, other, ann)
            history.followed((other, ann), True, begun=0.0)
        # All follows are applied: a backfill that is under way would bring what the worker leaves out.
        eventually(lambda: kafka.all_applied(worker), worker)
        assert len(people.timeline(worker, others[-1])) == 1
        history.posted(Item(people.post(worker, ann, "after"), ann, "after"))
        eventually(lambda: kafka.all_applied(worker), worker)
        people.unfollow(worker, others[-1], ann)
        history.followed((others[-1], ann), False, begun=0.0)
        eventually(lambda: kafka.all_applied(worker), worker)
        return check(history, worker.url)

    return act


def test_an_audit_of_correct_data_finds_nothing(make, act):
    report = act(make(""))
    assert (report.findings, report.timelines, report.expected) == ([], 4, 6)


@pytest.mark.parametrize(
    ("wrong", "kind", "why"),
    [("drop", "missing", ""), ("double", "doubled", ""), ("keep", "stray", "not followed")],
)
def test_what_is_wrong_is_found(make, act, wrong, kind, why):
    findings = act(make(wrong)).findings
    assert {(finding.kind, finding.why) for finding in findings} == {(kind, why)}
    assert all(finding.post for finding in findings)


#: Seconds for which what is not told is waited for, where a worker never tells it.
WAIT_SECONDS = 3.0


@pytest.mark.parametrize(
    ("wrong", "kinds"),
    [("", set()), ("untold", {"missing"}), ("told-twice", {"doubled"}), ("undeleted", {"stray"})],
)
def test_what_readers_of_a_live_timeline_are_told_wrong_is_found(wrong, kinds, make, people, kafka, eventually):
    worker = make(wrong)
    ann, bob = people.register(worker), people.register(worker)
    people.follow(worker, bob, ann)
    eventually(lambda: kafka.all_applied(worker), worker)
    gateway = Gateway()
    gateway.add(worker.url)

    with Audience([bob], gateway, History(people={ann, bob}), random.Random(1)) as audience:
        eventually(lambda: audience.report.resets >= 2, worker)
        posts = [people.post(worker, ann, text) for text in ("one", "two", "three")]
        eventually(lambda: len(people.timeline(worker, bob)) == len(posts), worker)
        assert worker.call("DELETE", f"/posts/{posts[0]}").status == 204
        eventually(lambda: kafka.all_applied(worker), worker)
        report = audience.compare(worker.url, WAIT_SECONDS if kinds else DEADLINE_SECONDS)

    assert {finding.kind for finding in report.findings} == kinds
