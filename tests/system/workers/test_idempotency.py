"""A worker dies in the middle of a call; the same call with its key, made again by anybody, is done once."""

import asyncio
import uuid

import pytest

from microblog_streams.domain.ids import new_post_id
from microblog_streams.domain.models import IdempotencyKey
from microblog_streams.stores.postgres.connection import Postgres
from microblog_streams.stores.postgres.idempotency import Idempotency
from tests.support.connections import opened
from web.api.schemas import NewPost
from web.http.idempotency import request_digest


@pytest.fixture(scope="module")
def worker(module_workers, eventually):
    worker = module_workers().start()
    eventually(worker.well, worker)
    return worker


@pytest.fixture
def key():
    return str(uuid.uuid4())


@pytest.fixture
def claimed(migrated, key):
    """Leave what a worker leaves that dies after it has claimed a post's key and before it publishes the post."""

    async def claim(body):
        once = IdempotencyKey(key, request_digest("POST", "/posts/", NewPost.model_validate(body)))
        async with opened(Postgres(migrated.settings)) as postgres:
            reserved = await Idempotency(postgres).claim(body["userId"], once, new_post_id())
        return str(reserved.post_id)

    return lambda body: asyncio.run(claim(body))


def test_a_post_whose_worker_died_before_it_was_published_is_published_once_by_the_retries(
    worker, people, eventually, claimed, key
):
    ann, bob = people.register(worker), people.register(worker)
    people.follow(worker, bob, ann)
    body = {"userId": ann, "content": "hello"}
    reserved = claimed(body)

    first = worker.call("POST", "/posts/", body, key=key)
    worker.kill()
    worker.start()
    eventually(worker.ready, worker)
    again = worker.call("POST", "/posts/", body, key=key)

    assert first.status == again.status == 201
    assert first.body == again.body
    assert first.body["postId"] == reserved
    last = people.post(worker, ann)
    eventually(lambda: people.timeline(worker, bob) == [last, reserved], worker)
    assert people.timeline(worker, ann) == [last, reserved]


def test_a_registration_and_a_follow_are_answered_alike_by_the_next_process(worker, people, eventually, key):
    body, ann = {"username": f"t{uuid.uuid4().hex[:20]}"}, people.register(worker)
    registered = worker.call("POST", "/users/", body, key=key)
    follow = f"/users/{registered.body['id']}/follow/{ann}"
    followed = worker.call("POST", follow, key=key)
    people.unfollow(worker, registered.body["id"], ann)

    worker.kill()
    worker.start()
    eventually(worker.ready, worker)

    assert worker.call("POST", "/users/", body, key=key).body == registered.body
    assert worker.call("POST", "/users/", body).status == 409
    assert worker.call("POST", follow, key=key).body == followed.body
    assert worker.call("GET", f"/users/{ann}/followers").body == []


def test_a_key_with_another_request_is_refused(worker, people, key):
    ann = people.register(worker)
    worker.call("POST", "/posts/", {"userId": ann, "content": "hello"}, key=key)

    assert worker.call("POST", "/posts/", {"userId": ann, "content": "goodbye"}, key=key).status == 422
