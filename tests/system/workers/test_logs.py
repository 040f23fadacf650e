"""One ``grep`` tells an event's life, from its request on one worker to its acknowledgement on another."""

import pytest

TEXT = "a very private text"


@pytest.fixture(scope="module")
def two(module_workers, eventually):
    """A worker that serves REST and one that consumes events, both at level DEBUG."""
    streams = module_workers().start(ROLES="streams", LOG_LEVEL="DEBUG")
    web = module_workers().start(ROLES="web", LOG_LEVEL="DEBUG")
    eventually(lambda: web.ready() and streams.well(), web, streams)
    return web, streams


@pytest.fixture(scope="module")
def pair(two, people, kafka, eventually):
    """An author and their follower, who has a timeline."""
    web, _ = two
    author, follower = people.register(web), people.register(web)
    people.follow(web, follower, author)
    eventually(lambda: kafka.all_applied(web), *two)
    people.timeline(web, follower)
    return author, follower


def grep(word, *workers):
    """Return the events of all lines with this word in the order of their times, and the text of these lines."""
    found = [line for worker in workers for line in worker.logged() if word in str(line)]
    return [line["event"] for line in sorted(found, key=lambda line: line["timestamp"])], str(found)


def test_a_posts_life_is_found_by_its_request_and_by_its_id(two, pair, eventually):
    author, _ = pair
    answer = two[0].call("POST", "/posts/", {"userId": author, "content": TEXT})
    request, post = answer.headers["X-Request-ID"], answer.body["postId"]
    eventually(lambda: "event_acknowledged" in grep(post, *two)[0], *two)

    by_request, lines = grep(request, *two)
    assert {"post_received", "event_published", "post_stored", "request_answered"} <= set(by_request)
    assert by_request[0] == "post_received"
    # What the other worker did, in this order. Meanwhile the first may still be about its answer.
    life = ["event_consumed", "timelines_pushed", "event_applied", "event_acknowledged"]
    assert [event for event in by_request if event in life] == life
    assert "'timelines': 3" in lines  # the author's, their follower's and the public one
    assert set(grep(post, *two)[0]) == set(by_request) - {"request_answered"}


def test_a_follow_is_found_by_its_request_behind_the_outbox_too(two, pair, people, eventually):
    author, _ = pair
    reader = people.register(two[0])
    answer = two[0].call("POST", f"/users/{reader}/follow/{author}")
    request = answer.headers["X-Request-ID"]

    eventually(lambda: "event_acknowledged" in grep(request, *two)[0], *two)

    assert {"request_answered", "event_published", "event_consumed", "event_applied"} <= set(grep(request, *two)[0])


def test_nothing_private_is_logged_at_any_level(two, pair, eventually):
    author, _ = pair
    name = "very-private-name"
    two[0].call("POST", "/users/", {"username": name})
    post = two[0].call("POST", "/posts/", {"userId": author, "content": TEXT}).body["postId"]
    eventually(lambda: "event_acknowledged" in grep(post, *two)[0], *two)

    for worker in two:
        text = worker.log.read_text()
        assert TEXT not in text
        assert name not in text
        assert "mb_" not in text
