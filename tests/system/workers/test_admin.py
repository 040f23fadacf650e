"""The pages behind the admin token, on two real workers: rows from whichever one likes, and all on one page."""

import signal
import socket
from time import monotonic

import pytest

from microblog_streams.config.settings import PREFIX
from microblog_streams.delivery.faust_patches.router import partition_of
from microblog_streams.domain.ids import encode_user

#: Seconds within which the page is there: the two of its patience, and some for a busy machine. A call waits for 20.
IN_TIME_SECONDS = 10
#: The pages of Faust and ours, as a worker has them once it has started.
LOCKED = ["/table/", "/table/followers/", "/table/followers/1:2/", "/router/", "/router/topics", "/assignment/"]
LOCKED += ["/graph/", "/performance/", "/admin/", "/admin/status.json", "/admin/worker"]
LOCKED += ["/admin/edges/1:2", "/admin/followers/1", "/admin/posts/1", "/admin/users/1/password"]
PARTITIONS = 8


@pytest.fixture(scope="module")
def pair(module_workers, eventually):
    """Two workers that share the partitions, and know it of each other. A silent one keeps its own for a minute."""
    pair = [module_workers().start(SESSION_TIMEOUT="60") for _ in range(2)]
    eventually(lambda: all(worker.well() and shared(worker, pair) for worker in pair), *pair)
    return pair


def shared(worker, pair):
    """Return whether the worker sees each partition with one owner, and both own some."""
    owners = [line["owners"] for line in page(worker)["partitions"]]
    return all(len(names) == 1 for names in owners) and len({name for [name] in owners}) == len(pair)


def states(seen):
    return {line["name"]: line["state"] for line in seen["workers"]}


def page(worker):
    answer = worker.call("GET", "/admin/status.json")
    assert answer.status == 200, answer
    return answer.body


@pytest.fixture(scope="module")
def authors(pair, people, eventually):
    """Authors in partitions of both workers, each with three followers, whose rows are written."""
    followers = [people.register(pair[0]) for _ in range(3)]
    authors = [people.register(pair[0]) for _ in range(10)]
    first = pair[0].probe()["partitions"]
    while len({partition_of(encode_user(author), PARTITIONS) in first for author in authors}) < len(pair):
        authors.append(people.register(pair[0]))
    for author in authors:
        for follower in followers:
            people.follow(pair[0], follower, author)
    for user in (*authors, *followers):  # the timeline of a new user is cold where Redis was late
        eventually(lambda user=user: pair[0].call("GET", f"/timelines/{user}").status == 200, *pair)
    eventually(lambda: all(len(rows(pair[0], author)) == 3 for author in authors), *pair)
    eventually(lambda: all(committed(worker) for worker in pair), *pair)
    return dict.fromkeys(authors, followers)


def committed(worker):
    """Return whether the worker sees no partition behind: acknowledgements are committed twice a second."""
    lags = [line["lag"] for line in page(worker)["partitions"]]  # none where Kafka was not in time for the page
    return all(lag is not None and set(lag.values()) == {0} for lag in lags)


@pytest.fixture
def ask(eventually):
    """Gives a worker's answer; asks again while that is that the owner of a row did not answer it within 1.5 s."""

    def asked(worker, path):
        answers = []

        def told():
            answers.append(worker.call("GET", path))
            return answers[-1].status != 503

        eventually(told, worker)
        return answers[-1]

    return asked


def rows(worker, author):
    answer = worker.call("GET", f"/admin/followers/{author}")
    return answer.body["rows"] if answer.status == 200 else []


def test_an_edge_is_found_from_either_worker(pair, authors, ask):
    for author, followers in authors.items():
        paths = [f"/admin/edges/{author}:{followers[0]}", f"/table/followers/{author}:{followers[0]}/"]
        answers = [[ask(worker, path) for worker in pair] for path in paths]

        assert [(a.status, b.status, a.body == b.body) for a, b in answers] == [(200, 200, True)] * 2
        assert answers[0][0].body["row"]["following"] is True
    found = {ask(pair[0], f"/admin/edges/{author}:{followers[0]}").body["worker"] for author in authors}
    assert found == {worker.name for worker in pair}


def test_an_edge_that_never_existed_is_missing_on_every_worker(pair, authors, ask):
    for author in authors:
        assert [ask(worker, f"/admin/edges/{author}:{author}").status for worker in pair] == [404, 404]


def test_an_author_s_rows_are_paged_from_either_worker(pair, authors, ask):
    for author, followers in authors.items():
        for worker in pair:
            first = ask(worker, f"/admin/followers/{author}?limit=2")
            second = ask(worker, first.body["next"])

            assert first.headers["Link"] == f'<{first.body["next"]}>; rel="next"'
            found = [row["followerId"] for row in first.body["rows"] + second.body["rows"]]
            assert (found, second.body["next"]) == (sorted(followers), None)


def undisturbed(worker, eventually):
    """Return the page once every source was in time for it (two seconds), and every store for a report (one)."""
    pages = []

    def told():
        pages.append(page(worker))
        return not pages[-1]["away"] and not pages[-1]["problems"]

    eventually(told, worker)
    return pages[-1]


def test_either_worker_shows_all(pair, authors, eventually):
    for worker in pair:
        seen = undisturbed(worker, eventually)

        assert states(seen) == {each.name: "ok" for each in pair}
        assert all(line["since"] for line in seen["workers"])
        assert sum(line["rows"] for line in seen["partitions"]) >= 30
        assert all(line["bytes"] > 0 and set(line["lag"].values()) == {0} for line in seen["partitions"])
        assert seen["outbox"]["depth"] == 0
        assert seen["timelines"]["warm"] >= 13


def test_a_page_costs_less_than_two_seconds_while_a_worker_is_silent(pair, authors, eventually):
    one, other = pair
    other.process.send_signal(signal.SIGSTOP)
    try:
        began = monotonic()
        seen = page(one)
        took = monotonic() - began
        edges = [one.call("GET", f"/admin/edges/{author}:{authors[author][0]}") for author in authors]
        eventually(lambda: states(page(one))[one.name] == "ok", one)  # a store that is busy for a second is a problem
    finally:
        other.process.send_signal(signal.SIGCONT)
    assert set(states(seen)) == {one.name, other.name}
    assert states(seen)[other.name] == "away"
    assert took < IN_TIME_SECONDS
    assert {edge.status for edge in edges} == {200, 503}
    reasons = [edge.body["detail"] for edge in edges if edge.status == 503]
    assert reasons[0].startswith("no answer from "), "until the silent worker is forgotten"
    assert all(reason.startswith(("no answer from ", "No worker has partition ")) for reason in reasons)
    eventually(lambda: all(worker.well() and shared(worker, pair) for worker in pair), *pair)


def test_the_overview_is_served_while_servers_are_down(pair, migrated, eventually):
    for part in ("kafka", "valkey", "postgres"):
        migrated.stack.pause(part)
        try:
            began = monotonic()
            seen = page(pair[0])
            took = monotonic() - began
        finally:
            migrated.stack.resume(part)
        assert took < IN_TIME_SECONDS, (part, took)
        assert set(seen["away"]) & {"kafka": {"lag"}, "valkey": {"timelines"}, "postgres": {"outbox"}}[part], seen
        assert seen["problems"], part
        eventually(lambda: not page(pair[0])["away"] and not page(pair[0])["problems"], *pair)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS", "TRACE", "PROPFIND"])
def test_without_the_token_nothing_of_it_is_there(pair, method):
    """As test_locked_routes has it for every spelling, here on a worker that has started."""
    answers = {path: raw(pair[0], method, path) for path in LOCKED}

    assert answers == dict.fromkeys(LOCKED, raw(pair[0], method, "/nothing/here"))
    assert answers["/admin/"].startswith(b"HTTP/1.1 404 ")


def test_the_token_is_in_no_log(pair, authors):
    token = pair[0].environment[f"{PREFIX}ADMIN_TOKEN"]
    assert all(token not in worker.log.read_text() for worker in pair)


def raw(worker, method, path):
    """Return the bytes of an answer but for its date."""
    with socket.create_connection(("127.0.0.1", worker.port), timeout=20) as connection:
        connection.sendall(
            f"{method} {path} HTTP/1.1\r\nHost: a\r\nX-Request-ID: a\r\nConnection: close\r\n\r\n".encode()
        )
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    return b"\r\n".join(line for line in received.split(b"\r\n") if not line.startswith(b"Date: "))
