"""What is wrong with timelines and tables on the real parts is found, named, and made right again."""

import json
from uuid import UUID

import pytest

from microblog_streams.domain.events import EdgeChanged, Followed
from microblog_streams.domain.ids import encode_entry, new_post_id
from microblog_streams.domain.topics import USER_FOLLOW, USER_UNFOLLOW


def key(user):
    return f"timeline:{user}"


@pytest.fixture
def pair(worker, people, shows):
    """An author and a follower, with three posts of the author on both timelines: ``posts``, newest first."""
    author, follower = people.register(worker), people.register(worker)
    people.follow(worker, follower, author)
    posts = [people.post(worker, author, f"post {number}") for number in range(3)][::-1]
    for user in (author, follower):  # that of a new user is cold where Redis was late
        shows(user, posts)
    return author, follower, posts


@pytest.fixture
def shows(worker, eventually):
    """Waits until a timeline shows these posts: a rebuild that outlasts a reader gives what was read so far, or 503."""

    def posts_of(user):
        answer = worker.call("GET", f"/timelines/{user}?limit=100")
        return answer.status == 200 and [post["postId"] for post in answer.body]

    return lambda user, posts: eventually(lambda: posts_of(user) == posts, worker)


@pytest.fixture
def stranger(worker, people):
    return people.register(worker)


def test_verify_reports_that_all_is_correct(pair, command):
    status, said, errors = command("verify")
    assert (status, errors.count("Traceback")) == (0, 0), errors
    assert said.splitlines()[-1].endswith("0 missing, 0 stray, 0 doubled, 0 misplaced, 0 unindexed")


def test_verify_names_what_is_wrong_and_a_rebuild_mends_it(pair, stranger, redis, command, worker, shows):
    author, follower, posts = pair
    dropped, strange = posts[1], new_post_id()
    redis.lrem(key(follower), 1, encode_entry(UUID(dropped), author))
    redis.lpush(key(follower), encode_entry(strange, stranger))

    status, said, errors = command("verify", "--user", str(author), "--user", str(follower))
    as_json = command("verify", "--user", str(follower), "--json")
    rebuilt = command("rebuild", "timelines", "--user", str(follower))
    again = command("verify", "--user", str(follower))

    assert status == 1, errors
    assert said.splitlines() == [
        f"user {follower}: 1 missing ({dropped} by {author}); 1 stray ({strange} by {stranger})",
        "2 checked, 0 cold, 1 missing, 1 stray, 0 doubled, 0 misplaced, 0 unindexed",
    ]
    assert as_json[0] == 1
    assert json.loads(as_json[1])["wrong"] == [
        {
            "user": follower,
            "findings": [
                {"kind": "missing", "postId": dropped, "author": author},
                {"kind": "stray", "postId": str(strange), "author": stranger},
            ],
        }
    ]
    assert rebuilt[:2] == (0, "1 timelines are rebuilt\n"), rebuilt
    assert redis.llen(key(follower)) == 3 + 1
    assert again[:2] == (0, "1 checked, 0 cold, 0 missing, 0 stray, 0 doubled, 0 misplaced, 0 unindexed\n"), again
    shows(follower, posts)


def test_rebuilding_all_timelines_makes_them_cold_until_the_next_read(pair, redis, command, shows):
    author, follower, posts = pair

    status, said, errors = command("rebuild", "timelines")

    assert status == 0, errors
    assert "are cold: the next read of each rebuilds it" in said
    assert redis.exists(key(author), key(follower)) == 0
    shows(follower, posts)
    assert redis.exists(key(author), key(follower)) == 1
    assert command("verify", "--user", str(author))[1].startswith("0 checked, 1 cold, ")


def test_rebuilding_the_edges_repairs_the_table(pair, kafka, command, worker, people, shows, eventually):
    """The table takes the follow for undone, so a post does not arrive; the timeline is another matter."""
    author, follower, posts = pair
    row = f"/table/followers/{author}:{follower}/"
    eventually(lambda: kafka.all_applied(worker), worker)
    right = worker.call("GET", row).body
    wrong = EdgeChanged(follower_id=follower, followee_id=author, version=1, at="2026-05-17T00:00:00Z", restate=True)
    kafka.publish(USER_UNFOLLOW, wrong.key, wrong.encode())
    eventually(lambda: kafka.all_applied(worker), worker)
    lost = people.post(worker, author)
    eventually(lambda: kafka.all_applied(worker), worker)
    assert people.timeline(worker, follower) == posts

    found = command("verify", "--user", str(follower))
    status, said, errors = command("rebuild", "edges")

    assert found[:2] == (
        1,
        f"user {follower}: 1 missing ({lost} by {author})\n"
        "1 checked, 0 cold, 1 missing, 0 stray, 0 doubled, 0 misplaced, 0 unindexed\n",
    )
    assert status == 0, errors
    assert said.endswith(" deleted users are in the workers' tables\n")
    assert worker.call("GET", row).body == right
    arrives = people.post(worker, author)
    shows(follower, [arrives, *posts])
    assert command("rebuild", "timelines", "--user", str(follower))[0] == 0
    shows(follower, [arrives, lost, *posts])


def test_edges_unknown_to_postgresql_are_ended(pair, people, kafka, command, worker, shows, eventually):
    """Commits were lost whose events were delivered: by a promotion, or a restore that puts the same bytes back."""
    author, _, posts = pair
    for number, arguments in enumerate((["rebuild", "edges"], ["raise-era"])):
        reader = people.register(worker)
        shows(reader, [])  # so that it is not cold, which takes nothing
        lost = Followed(follower_id=reader, followee_id=author, version=9, at="2026-05-17T00:00:00Z")
        kafka.publish(USER_FOLLOW, lost.key, lost.encode())
        eventually(lambda: people.timeline(worker, reader)[-3:] == posts, worker)  # noqa: B023

        status, said, errors = command(*arguments)

        assert status == 0, errors
        assert number == 0 or said == "era 1: the workers' tables are as PostgreSQL says\n"
        assert people.timeline(worker, reader) == []
    assert people.register(worker) > reader + 1_000_000
    assert command("verify")[0] == 0


def test_a_worker_repairs_a_wrong_timeline_by_itself(pair, redis, worker, workers, shows, eventually):
    author, follower, posts = pair
    repairing = workers().start(RECONCILE_INTERVAL="0.05")
    eventually(repairing.well, repairing)
    eventually(lambda: repairing.call("GET", "/health").body["reconciler"]["checked"] > 3, repairing)
    redis.lrem(key(follower), 1, encode_entry(UUID(posts[1]), author))

    eventually(lambda: repairing.call("GET", "/health").body["reconciler"]["repaired"] == 1, repairing)

    (line,) = repairing.logged("timeline_repaired")
    counts = [line[kind] for kind in ("missing", "stray", "doubled", "misplaced", "unindexed")]
    assert (line["user"], counts, line["posts"]) == (follower, [1, 0, 0, 0, 0], f"missing:{posts[1]}:{author}")
    shows(follower, posts)
    assert worker.call("GET", "/health").body["reconciler"] == {"checked": 0, "repaired": 0}


def test_a_post_without_an_index_row_is_found_and_repaired(pair, half_write, redis, command, shows):
    """On a list and on none: what is on a list is found by comparing it, all by comparing every post's rows."""
    author, follower, posts = pair
    listed, hidden = half_write(author), half_write(author)
    redis.lpush(key(follower), encode_entry(listed, author))

    on_the_list = command("verify", "--user", str(follower))
    found = command("verify", "--posts", "--json")
    mended = command("rebuild", "posts")
    again = command("verify", "--posts")
    rebuilt = command("rebuild", "timelines", "--user", str(follower))

    assert on_the_list[:2] == (
        1,
        f"user {follower}: 1 unindexed ({listed} by {author})\n"
        "1 checked, 0 cold, 0 missing, 0 stray, 0 doubled, 0 misplaced, 1 unindexed\n",
    ), on_the_list
    assert found[0] == 1, found
    assert [each["postId"] for each in json.loads(found[1])["wrong"]] == [str(listed), str(hidden)]
    assert mended[0] == 0, mended
    assert mended[1].splitlines()[-1].startswith("2 posts are written again")
    assert again[0] == 0, again
    assert rebuilt[0] == 0, rebuilt
    shows(follower, [str(hidden), str(listed), *posts])


@pytest.mark.parametrize(
    ("arguments", "environment", "error"),
    [
        (["verify", "--user", "999999"], {}, "There is no user 999999."),
        (["rebuild", "edges", "--user", "1"], {}, "rebuild edges takes no --user"),
        (["rebuild", "posts", "--user", "1"], {}, "rebuild posts takes no --user"),
        (["verify", "--posts", "--sample", "3"], {}, "verify --posts takes neither"),
        (["verify"], {"MICROBLOG_REDIS_URL": "redis://127.0.0.1:1"}, "redis is unavailable"),
        (["rebuild", "timelines"], {"MICROBLOG_REDIS_URL": "redis://127.0.0.1:1"}, "redis is unavailable"),
    ],
)
def test_an_impossible_request_is_reported_in_one_line(command, arguments, environment, error):
    status, said, errors = command(*arguments, **environment)
    assert (status, said) == (3, "")
    assert [line for line in errors.splitlines() if line.startswith("microblog: ")] == errors.splitlines()[-1:]
    assert error in errors.splitlines()[-1]
