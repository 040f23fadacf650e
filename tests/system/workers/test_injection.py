"""Texts that are statements of SQL, CQL or the Redis protocol, through a worker and into the real stores, and back."""

import pytest

#: Statements against the tables, keys and parameters that there are; each would show in what others see.
STATEMENTS = [
    "'; DROP TABLE users CASCADE; --",
    "'); DELETE FROM follows; --",
    "' OR '1'='1",
    "$$; UPDATE users SET username = 'mallory'; $$",
    "\\'; TRUNCATE outbox; --",
    "'); TRUNCATE posts_by_id; --",
    "'} IF EXISTS; DROP KEYSPACE microblog; //",
    "\n*1\n$8\nFLUSHALL\n",
    "FLUSHALL\nDEL timeline:1",
    '","deleted":true}',
    '{"author":1,"deleted":true}',
    "return redis.call('FLUSHALL')",
    "%s %(name)s %% {0} {user} ? :1 $1",
    "\u2019; DROP TABLE users; \uff07 \u02bc --",
]
NAMES = ["DROP", "--", "null", "FLUSHALL", "TRUNCATE.posts_by_id"]


@pytest.fixture(scope="module")
def worker(module_workers, eventually):
    worker = module_workers().start()
    eventually(worker.well, worker)
    return worker


def contents(worker, path):
    return [post["content"] for post in worker.call("GET", path).body]


def test_sql_in_posts_comes_back_unchanged(worker, people, eventually):
    ann, bob = people.register(worker), people.register(worker)
    people.follow(worker, bob, ann)

    posts = [people.post(worker, ann, text) for text in STATEMENTS]

    eventually(lambda: people.timeline(worker, bob) == posts[::-1], worker)
    for path in (f"/timelines/{bob}", f"/timelines/{ann}", f"/users/{ann}/posts"):
        assert contents(worker, path) == STATEMENTS[::-1]
    assert [user["id"] for user in worker.call("GET", f"/users/{ann}/followers").body] == [bob]


def test_sql_in_keys_is_plain_text(worker, people):
    ann = people.register(worker)
    keys = ["'OR'1'='1", "';DROP/**/TABLE/**/idempotency;--", "%s", "*", "$1"]

    answers = [
        worker.call("POST", "/posts/", {"userId": ann, "content": key}, key=key).body
        for key in [*keys, *reversed(keys)]
    ]

    assert answers[: len(keys)] == answers[: -len(keys) - 1 : -1]
    assert contents(worker, f"/users/{ann}/posts") == keys[::-1]


def test_words_of_languages_are_names(worker):
    users = [worker.call("POST", "/users/", {"username": name}).body for name in NAMES]

    assert [worker.call("GET", f"/users/{user['id']}").body["username"] for user in users] == NAMES
    assert worker.call("POST", "/users/", {"username": "drop"}).status == 409


def test_sql_in_names_is_refused(worker, people, eventually):
    ann = people.register(worker)

    answers = [worker.call("POST", "/users/", {"username": text}).status for text in STATEMENTS]

    assert set(answers) == {400}
    assert worker.call("GET", f"/users/{ann}").status == 200
    eventually(lambda: set(worker.call("GET", "/health").body["stores"].values()) == {"ok"}, worker)


def test_sql_in_passwords_and_token_names_is_plain_text(worker, people):
    name = worker.call("GET", f"/users/{people.register(worker)}").body["username"]
    taken = worker.call("POST", "/users/", {"username": f"{name}.p", "password": STATEMENTS[0]})
    called = [text for text in STATEMENTS if "\n" not in text]

    tokens = [
        worker.call("POST", "/tokens/", {"username": f"{name}.p", "password": STATEMENTS[0], "name": text}).body
        for text in called
    ]
    refused = [
        worker.call("POST", "/tokens/", {"username": f"{name}.p", "password": text}).status for text in STATEMENTS[1:]
    ]

    assert taken.status == 201
    assert [token["name"] for token in tokens] == called
    assert set(refused) == {401}
