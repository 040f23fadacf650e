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


def public(worker):
    """Return the newest posts' ids. A rebuild that outlasts a reader gives what was read so far, or 503: here none."""
    answer = worker.call("GET", "/timelines/public?limit=100")
    return [post["postId"] for post in answer.body] if answer.status == 200 else []


def test_it_has_every_post_and_is_rebuilt_from_the_log(worker, people, eventually, redis):
    ann, bob = people.register(worker), people.register(worker)
    public(worker)
    posts = [people.post(worker, author) for author in (ann, bob, ann)]
    eventually(lambda: public(worker)[:3] == posts[::-1], worker)

    eventually(lambda: redis.delete(key(PUBLIC)) == 1, worker)  # a rebuild may still be under way

    eventually(lambda: public(worker)[:3] == posts[::-1], worker)
    later = people.post(worker, bob)
    eventually(lambda: public(worker)[:1] == [later], worker)
    people.delete(worker, f"/posts/{later}")
    assert later not in public(worker)
    eventually(lambda: public(worker)[:1] == posts[-1:], worker)


def test_an_operator_suspends_lists_and_restores(worker, people, migrated, eventually):
    ann = people.register(worker)
    post = people.post(worker, ann)
    eventually(lambda: public(worker)[:1] == [post], worker)

    def moderate(*words):
        environment = {**migrated.environment, "MICROBLOG_ADMIN_TOKEN": ADMIN_TOKEN}
        outcome = run_command(environment, "moderate", *words, "--worker", worker.url)
        assert outcome.status == 0, outcome
        return outcome.said.decode().splitlines()[-1]

    assert moderate("suspend", str(ann), "--reason", "Advertising") == f"user {ann} is suspended"
    assert post not in public(worker)
    assert [(each["userId"], each["reason"]) for each in json.loads(moderate("list", "--json"))] == [
        (ann, "Advertising")
    ]
    assert moderate("restore", str(ann)) == f"user {ann} is restored"
    assert public(worker)[0] == post
