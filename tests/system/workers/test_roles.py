"""Workers by their roles: ones that only serve REST, outside the group, and ones that only consume events."""

import pytest


@pytest.fixture(scope="module")
def both(module_workers, eventually):
    """One worker that does everything."""
    worker = module_workers().start()
    eventually(worker.well, worker)
    return worker


@pytest.fixture(scope="module")
def web(module_workers, both, eventually):
    """One worker that only serves REST."""
    worker = module_workers(app="microblog_streams").start(ROLES="web")
    eventually(worker.ready, worker)
    return worker


def test_a_web_worker_serves_everything_and_delivers_nothing_itself(both, web, people, eventually):
    author, follower = people.register(web), people.register(web)
    people.follow(web, follower, author)
    post = people.post(web, author)
    eventually(lambda: post in people.timeline(web, follower), both, web)
    assert web.call("GET", "/health").body["tables"]["recovered"] is None
    eventually(lambda: set(both.probe()["partitions"]) == set(range(8)), both)


def test_a_row_is_found_from_a_worker_that_does_not_have_it(both, web, people, eventually):
    author, follower = people.register(both), people.register(both)
    people.follow(both, follower, author)

    def found(row):
        """Return what a look-up finds; it answers 503 where the row's owner takes more than 1.5 s."""
        answer = web.call("GET", f"/table/followers/{row}/")
        return answer.body["following"] if answer.status == 200 else answer.status

    eventually(lambda: found(f"{author}:{follower}") is True, both, web)
    eventually(lambda: found(f"{follower}:{author}") == 404, both, web)
    eventually(lambda: found("nobody") == 404, both, web)


def test_the_router_tells_who_has_which_partitions(both, web, eventually):
    expected = {"microblog-followers-changelog": list(range(8))}
    eventually(lambda: web.call("GET", "/router/").body.get(f"http://127.0.0.1:{both.port}") == expected, both, web)


def test_events_are_consumed_by_workers_that_serve_no_rest(both, web, workers, people, eventually):
    """The second of two shares the partitions, and its part of them is delivered like the other's."""
    streams = workers().start(ROLES="streams")
    eventually(lambda: streams.well() and streams.probe()["partitions"], streams)
    authors = [people.register(web) for _ in range(12)]
    follower = people.register(web)
    for author in authors:
        people.follow(web, follower, author)
    posts = {people.post(web, author) for author in authors}
    eventually(lambda: set(people.timeline(web, follower)) == posts, both, web, streams)
    assert streams.call("GET", f"/users/{follower}").status == 404
    assert streams.call("GET", f"/timelines/{follower}").status == 404
    assert streams.call("POST", "/users/", {"username": "nobody"}).status == 404
