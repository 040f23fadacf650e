"""What can never be read, as operators see it: listed, shown, replayed once a fix runs, or discarded."""

import json
from datetime import UTC, datetime

import pytest

from microblog_streams.domain.events import PostCreated
from microblog_streams.domain.ids import encode_user, new_post_id
from microblog_streams.domain.topics import POST_CREATED, SOURCES
from tests.support.live.command import run_command

BAD_HEADER = [("schema", b"one\xff"), ("trace", b"\x00\x01"), ("trace", b"again")]
NOT_JSON = (POST_CREATED, b"not json", None)
UNDECODABLE = [
    (b"\x1b[31mnot json", None, "Invalid JSON"),
    (b'{"userId": 1}', None, "Field required"),
    (b"{}", BAD_HEADER, "header schema"),
]


@pytest.fixture(scope="module")
def dead_letters(migrated):
    """Runs the command as a process; gives exit status, standard output and error output."""

    def run(*arguments):
        status, said, errors = run_command(migrated.environment, "dead-letters", *arguments)
        return status, said, errors.decode()

    return run


@pytest.fixture
def listed(dead_letters):
    """Gives the open letters."""

    def listing():
        status, said, errors = dead_letters("list", "--json")
        assert status == 0, errors
        return json.loads(said)

    return listing


@pytest.fixture(scope="module")
def worker(module_workers, eventually):
    worker = module_workers().start()
    eventually(worker.well, worker)
    return worker


@pytest.fixture
def open_in_health(worker):
    """Gives what the worker says of open letters."""
    return lambda: worker.call("GET", "/health").body["deadLetters"]["open"]


@pytest.fixture
def bury(kafka, worker, people, dead_letters, eventually):
    """Publishes records (topic, value, headers), and waits until the worker has done with them; none are open before.

    They have a key of some user, unless ``user`` is given. What a test before has replayed may become a letter again.
    """
    eventually(lambda: kafka.all_applied(worker), worker)
    assert dead_letters("discard", "--all", "--yes")[0] == 0

    def publish(*records, user=None):
        key = encode_user(user or people.register(worker))
        places = [kafka.publish(topic, key, value, headers=headers) for topic, value, headers in records]
        eventually(lambda: kafka.all_applied(worker), worker)
        return places

    return publish


@pytest.fixture
def post_with_a_bad_header(bury, worker, people):
    """A good post of an author with a follower, whose header does not parse."""
    author, follower = people.register(worker), people.register(worker)
    people.follow(worker, follower, author)
    post = PostCreated(post_id=new_post_id(), user_id=author, content="late", created_at=datetime.now(UTC))
    bury((POST_CREATED, post.encode(), BAD_HEADER), user=author)
    return str(post.post_id), follower


def test_undecodable_events_of_every_topic_are_listed_with_place_and_reason(bury, listed):
    places = bury(*((topic, value, headers) for topic in SOURCES for value, headers, _ in UNDECODABLE))

    letters = sorted(listed(), key=lambda letter: (SOURCES.index(letter["topic"]), letter["offset"]))

    assert [(letter["topic"], letter["partition"], letter["offset"], letter["bytes"]) for letter in letters] == [
        (place.topic, place.partition, place.offset, len(value))
        for place, (value, _, _) in zip(places, UNDECODABLE * len(SOURCES), strict=True)
    ]
    reasons = [reason for _, _, reason in UNDECODABLE] * len(SOURCES)
    assert [reason in letter["error"] for reason, letter in zip(reasons, letters, strict=True)] == [True] * len(places)


def test_the_table_lists_the_same_letters_oldest_first_and_counts_the_rest(bury, listed, dead_letters):
    for _ in range(3):
        bury(NOT_JSON)
    first, second, _ = (letter["id"] for letter in listed())

    status, said, _ = dead_letters("list", "--limit", "2")

    lines = said.decode().splitlines()
    assert status == 0
    assert [line.split()[0] for line in lines if POST_CREATED in line] == [first, second]
    assert lines[-1].startswith("and 1 more")


def test_a_large_letter_is_shown_safely_and_written_and_replayed_as_it_is(bury, listed, dead_letters):
    value = b"\x1b[31mnot json " + b"x" * 1_000_000
    bury((POST_CREATED, value, BAD_HEADER))
    (letter,) = listed()

    _, shown, _ = dead_letters("show", letter["id"])
    _, raw, _ = dead_letters("show", letter["id"], "--raw")
    replayed, _, errors = dead_letters("replay", letter["id"])

    assert b"\x1b" not in shown
    for part in ("state          open", "header schema  one\\xff", "\\x1b[31mnot json", "1,000,014 bytes", "--raw"):
        assert part in shown.decode()
    assert len(shown) < 4_000
    assert raw == value
    assert replayed == 0, errors


def test_health_warns_while_any_are_open(bury, dead_letters, worker, open_in_health, eventually):
    eventually(lambda: open_in_health() == 0, worker)
    bury(NOT_JSON, NOT_JSON)

    eventually(lambda: open_in_health() == 2, worker)
    health = worker.call("GET", "/health").body
    assert [warning for warning in health["warnings"] if warning.startswith("dead letters: 2 open")]
    # A warning and no problem; a store that is busy for a second is one.
    eventually(lambda: worker.call("GET", "/health").body["status"] == "ok", worker)

    assert dead_letters("discard", "--all", "--yes") == (0, b"2 discarded\n", "")
    eventually(lambda: open_in_health() == 0, worker)
    assert not [warning for warning in worker.call("GET", "/health").body["warnings"] if "dead" in warning]


def test_a_replay_before_the_fix_becomes_another_dead_letter(post_with_a_bad_header, listed, dead_letters, kafka):
    (before,) = listed()

    status, said, errors = dead_letters("replay", before["id"])

    assert (status, said.decode().split(";")[0]) == (0, "1 replayed"), errors
    assert [letter["id"] for letter in listed()] != [before["id"]]


def test_a_replay_after_the_fix_applies_the_event(
    post_with_a_bad_header, bury, listed, dead_letters, worker, people, open_in_health, eventually
):
    post, follower = post_with_a_bad_header
    bury(NOT_JSON)
    assert people.timeline(worker, follower) == []
    worker.stop()
    worker.app = "tests.support.live.mended"
    worker.start()
    eventually(worker.well, worker)

    status, said, errors = dead_letters("replay", "--all")

    assert (status, said.decode().split(";")[0]) == (0, "2 replayed"), errors
    eventually(lambda: people.timeline(worker, follower) == [post], worker)
    eventually(lambda: len(listed()) == 1, worker)
    (again,) = listed()
    assert "Invalid JSON" in again["error"]
    assert dead_letters("discard", again["id"], "--yes")[0] == 0
    eventually(lambda: open_in_health() == 0, worker)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["show", "7-999999"], "There is no dead letter 7-999999."),
        (["replay"], "either the id of one letter or --all"),
        (["discard", "--all"], "without a terminal give --yes"),
    ],
)
def test_an_impossible_request_is_reported_in_one_line(dead_letters, arguments, error):
    status, said, errors = dead_letters(*arguments)

    assert (status, said) == (3, b"")
    assert errors.startswith("microblog: ")
    assert errors.count("\n") == 1
    assert error in errors
