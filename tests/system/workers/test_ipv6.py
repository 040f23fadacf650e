"""Workers on IPv6 and on both versions of IP: from registration to look-ups from one in the other."""

import json
import socket
import urllib.request

import pytest

from microblog_streams.config.addresses import join_host_port

PARTITIONS = set(range(8))


@pytest.fixture(scope="module")
def pair(module_workers, eventually):
    """Two workers that share the partitions: one on IPv6 alone, one on both (open: loopback)."""
    pair = [module_workers(host=host).start() for host in ("::1", "localhost")]
    eventually(lambda: shared(pair), *pair)
    return pair


def shared(workers):
    """Return whether the workers are well and have each partition once."""
    parts = [set(worker.probe()["owned"]) for worker in workers if worker.well()]
    return len(parts) == 2 and all(parts) and sum(map(len, parts)) == 8 and set().union(*parts) == PARTITIONS


def test_a_row_is_found_through_either_worker(pair, people, eventually):
    authors = [people.register(worker) for worker in pair * 6]
    reader = people.register(pair[0])
    for author in authors:
        people.follow(pair[1], reader, author)
    paths = [f"/table/followers/{author}:{reader}/" for author in authors]

    def following(worker):
        """Return what the rows say; a look-up answers 503 where the row's owner takes more than 1.5 s."""
        answers = [worker.call("GET", path) for path in paths]
        return [answer.status == 200 and answer.body["following"] for answer in answers]

    for worker in pair:
        eventually(lambda worker=worker: all(following(worker)), *pair)


def test_the_router_lists_the_workers_addresses(pair):
    expected = {f"http://[::1]:{pair[0].port}", f"http://localhost:{pair[1].port}"}
    assert all(set(worker.call("GET", "/router/").body) == expected for worker in pair)


def test_each_shows_the_other_on_the_overview(pair, eventually):
    def problems(worker):
        lines = worker.call("GET", "/admin/status.json").body["workers"]
        return {line["name"]: line["problems"] for line in lines}

    for worker in pair:  # each has two seconds for its report, and its stores one
        eventually(lambda worker=worker: problems(worker) == {one.name: [] for one in pair}, *pair)


def test_a_post_reaches_a_follower_through_the_other_worker(pair, people, eventually):
    author, reader = people.register(pair[0]), people.register(pair[1])
    people.follow(pair[0], reader, author)
    post = people.post(pair[1], author)
    eventually(lambda: people.timeline(pair[0], reader) == [post], *pair)


def test_a_name_is_served_on_every_address_that_it_has(pair):
    """Which addresses localhost has is the machine's affair: one of IPv4 at least, mostly one of IPv6 too."""
    addresses = {address[0] for *_, address in socket.getaddrinfo("localhost", pair[1].port, type=socket.SOCK_STREAM)}
    for address in addresses:
        with urllib.request.urlopen(f"http://{join_host_port(address, pair[1].port)}/health", timeout=20) as answer:
            assert json.loads(answer.read())["worker"] == pair[1].name
