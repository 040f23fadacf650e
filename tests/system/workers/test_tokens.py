"""Two workers that need tokens, on the real parts: who may act, and that a revocation on one holds on the other."""

import uuid
from dataclasses import dataclass

import pytest

from tests.support.contracts.tokens_of_workers import (
    PASSWORD,
    check_last_use_is_listed,
    check_revocation_holds_elsewhere,
)
from tests.support.live.command import Command
from tests.support.live.worker import DEADLINE


@dataclass(frozen=True)
class Person:
    id: int
    name: str
    token: str


@pytest.fixture(scope="module")
def two(module_workers, eventually):
    app = "tests.support.live.quick_tokens"
    workers = [module_workers(app=app).start(AUTH="required") for _ in range(2)]
    eventually(lambda: all(worker.well() for worker in workers), *workers)
    return workers


def register_on(worker):
    name = f"t{uuid.uuid4().hex[:20]}"
    answer = worker.call("POST", "/users/", {"username": name, "password": PASSWORD}, token="")
    assert answer.status == 201, worker.tail()
    return Person(answer.body["id"], name, answer.body["token"])


@pytest.fixture
def register():
    return register_on


def post(worker, author, token):
    return worker.call("POST", "/posts/", {"userId": author, "content": "hello"}, token=token)


def timeline(worker, user, token):
    return worker.call("GET", f"/timelines/{user}", token=token)


def test_a_token_is_valid_on_every_worker_for_its_owner_alone(two, register, eventually):
    one, other = two
    ann, bob = register(one), register(other)

    followed = other.call("POST", f"/users/{bob.id}/follow/{ann.id}", token=bob.token)
    posted = post(other, ann.id, ann.token)

    assert (followed.status, posted.status) == (200, 201)
    eventually(lambda: timeline(one, bob.id, bob.token).body == [posted.body], *two)
    assert post(one, ann.id, bob.token).status == 403
    assert post(one, ann.id, "").status == 401
    assert timeline(one, ann.id, bob.token).status == 403
    assert one.call("GET", f"/posts/{posted.body['postId']}", token="").status == 200


def test_a_revocation_on_one_worker_holds_on_the_other_once_its_cache_is_too_old(two, eventually):
    check_revocation_holds_elsewhere(*two, eventually, DEADLINE)


def test_a_deleted_users_token_does_nothing_anywhere(two, register):
    one, other = two
    ann, bob = register(one), register(one)
    assert timeline(other, ann.id, ann.token).status == 200

    assert one.call("DELETE", f"/users/{ann.id}", token=ann.token).status == 204

    assert timeline(one, ann.id, ann.token).status == 401
    assert post(other, ann.id, ann.token).status in (401, 404)
    assert other.call("POST", f"/users/{ann.id}/follow/{bob.id}", token=ann.token).status in (401, 404)


def test_the_operator_can_issue_a_token_to_a_user_without_token_and_password(two, register, migrated):
    one, _ = two
    ann = register(one)
    command = Command(migrated, "issue-token", str(ann.id), "--name", "by hand")
    assert command.ended() == 0, command.told()
    token = command.told().split()[-1]

    assert timeline(one, ann.id, token).status == 200
    names = [kept["name"] for kept in one.call("GET", "/tokens/", token=token).body]
    assert names == ["registration", "by hand"]


def test_an_unknown_user_is_issued_no_token(migrated):
    command = Command(migrated, "issue-token", str(2**40))

    assert command.ended() == 3
    assert command.told().splitlines()[-1] == f"microblog: There is no user {2**40}."


def test_the_list_shows_the_last_use_of_a_token(two, eventually):
    check_last_use_is_listed(*two, eventually, DEADLINE)


def test_no_token_and_no_password_is_in_a_log(two, register):
    one, _ = two
    ann = register(one)
    one.call("POST", "/tokens/", {"username": ann.name, "password": PASSWORD}, token="")
    post(one, ann.id, ann.token)
    one.call("POST", "/posts/", {"userId": ann.id, "content": 1}, token=ann.token)

    logs = "".join(worker.log.read_text(errors="replace") for worker in two)
    assert "mb_" not in logs
    assert PASSWORD not in logs
