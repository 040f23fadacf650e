"""The public timeline on the real parts: it has every post, and is rebuilt from the log; and what operators do."""

import json

import pytest
from redis import Redis

from microblog_streams.domain.ids import PUBLIC
from microblog_streams.stores.redis.timelines import key
from tests.support.live.command import run_command

ADMIN_TOKEN = "an-admin-token-of-the-test"


@pytest.fixture(scope="module")
def worker(module_workers, eventually):
    worker = module_workers().start(ADMIN_TOKEN=ADMIN_TOKEN)
    eventually(worker.well, worker)
    return worker


@pytest.fixture
def redis(stack):
    with Redis.from_url(stack.settings.redis_url.get_secret_value()) as client:
        yield client


def public(people, worker):
    return people._ok(worker, 200, "GET", "/timelines/public?limit=100")


def test_it_has_every_post_and_is_rebuilt_from_the_log(worker, people, eventually, redis):
    ann, bob = people.register(worker), people.register(worker)
    public(people, worker)
    posts = [people.post(worker, author) for author in (ann, bob, ann)]
    eventually(lambda: [post["postId"] for post in public(people, worker)][:3] == posts[::-1], worker)

    assert redis.delete(key(PUBLIC)) == 1

    def newest():
        """Return the newest three; a rebuild that outlasts a reader gives what was read so far, or 503."""
        answer = worker.call("GET", "/timelines/public?limit=100")
        return answer.status == 200 and [post["postId"] for post in answer.body][:3]

    eventually(lambda: newest() == posts[::-1], worker)
    later = people.post(worker, bob)
    eventually(lambda: public(people, worker)[0]["postId"] == later, worker)
    people.delete(worker, f"/posts/{later}")
    assert public(people, worker)[0]["postId"] == posts[-1]


def test_an_operator_suspends_lists_and_restores(worker, people, migrated, eventually):
    ann = people.register(worker)
    post = people.post(worker, ann)
    eventually(lambda: public(people, worker)[0]["postId"] == post, worker)

    def moderate(*words):
        environment = {**migrated.environment, "MICROBLOG_ADMIN_TOKEN": ADMIN_TOKEN}
        outcome = run_command(environment, "moderate", *words, "--worker", worker.url)
        assert outcome.status == 0, outcome
        return outcome.said.decode().splitlines()[-1]

    assert moderate("suspend", str(ann), "--reason", "Advertising") == f"user {ann} is suspended"
    assert post not in [each["postId"] for each in public(people, worker)]
    assert [(each["userId"], each["reason"]) for each in json.loads(moderate("list", "--json"))] == [
        (ann, "Advertising")
    ]
    assert moderate("restore", str(ann)) == f"user {ann} is restored"
    assert public(people, worker)[0]["postId"] == post
