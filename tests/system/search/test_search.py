"""Search as a whole: what is posted is found, what is deleted is not, and an engine that is away costs nothing else."""

import json
from urllib.parse import quote

import pytest

from microblog_streams.commands.search import WRONG
from microblog_streams.local.opensearch import OpenSearch
from tests.support.live.command import run_command

pytestmark = pytest.mark.integration

WORDS = [f"word{number}" for number in range(30)]


@pytest.fixture(scope="module")
def worker(searching, eventually):
    worker, indexer = searching
    eventually(worker.well, worker)
    eventually(indexer.ready, indexer)
    return worker


@pytest.fixture(scope="module")
def author(worker):
    return worker.call("POST", "/users/", {"username": "searched_for"}).body["id"]


def write(worker, author, text):
    answer = worker.call("POST", "/posts/", {"userId": author, "content": text})
    assert answer.status == 201, answer
    return answer.body["postId"]


def found(worker, query, kind="posts", ident="postId"):
    answer = worker.call("GET", f"/search/{kind}?q={quote(query)}&limit=100")
    return [each[ident] for each in answer.body] if answer.status == 200 else answer.status


def test_posts_and_users_are_found_and_deleted_posts_are_not(worker, searching, author, eventually):
    posts = {word: write(worker, author, f"{word} #all") for word in WORDS}
    gone = posts.pop(WORDS[0])
    assert worker.call("DELETE", f"/posts/{gone}").status == 204

    eventually(lambda: set(_ids(found(worker, "#all"))) == set(posts.values()), *searching)
    assert {word: found(worker, word) for word in posts} == {word: [post] for word, post in posts.items()}
    assert found(worker, WORDS[0]) == []
    eventually(lambda: _ids(found(worker, "searched", "users", "id")) == [author], *searching)


def test_an_engine_that_is_killed_holds_up_nothing_and_misses_nothing(
    worker, searching, author, engine, search_environment, eventually
):
    _, indexer = searching
    eventually(lambda: worker.call("GET", "/search/posts?q=tea").status == 200, worker)
    # What other tests wrote before this engine was there is not in its index: 1 where something was written again.
    assert run_command(search_environment, "search", "verify")[0] in {0, WRONG}
    engine.kill(OpenSearch.name)
    away = [write(worker, author, f"while away {word}") for word in WORDS]

    timeline = [post["postId"] for post in worker.call("GET", f"/timelines/{author}?limit=30").body]
    refused = worker.call("GET", "/search/posts?q=tea")
    assert timeline == away[::-1]
    assert (refused.status, int(refused.headers["Retry-After"]) > 0) == (503, True)
    assert worker.ready()

    engine.restart(OpenSearch.name)
    eventually(lambda: set(_ids(found(worker, "away"))) == set(away), worker, indexer)
    assert indexer.call("GET", "/health").body["delivery"]["halted"] == {}

    status, said, errors = run_command(search_environment, "search", "verify", "--check")
    assert status == 0, (said, errors)


def _ids(answer):
    return answer if isinstance(answer, list) else []


def test_the_index_is_made_anew_while_it_is_in_use(worker, author, search_environment):
    post = write(worker, author, "afternoon")

    status, said, errors = run_command(search_environment, "search", "reindex")

    assert status == 0, (said, errors)
    assert b"posts and" in said
    assert found(worker, "afternoon") == [post]


def test_without_an_engine_commands_and_indexer_say_so(migrated):
    environment = {**migrated.environment, "MICROBLOG_SEARCH_URL": ""}

    status, _, errors = run_command(environment, "search", "verify")

    assert status == 3
    assert b"no search" in errors, json.dumps(errors.decode())
