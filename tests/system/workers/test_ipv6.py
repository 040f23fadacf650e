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
    parts = [set(worker.probe()["owned"]) for worker in workers if worker.well()]
    return len(parts) == 2 and all(parts) and set().union(*parts) == PARTITIONS


def test_a_row_is_found_through_either_worker(pair, people, eventually):
    authors = [people.register(worker) for worker in pair * 6]
    reader = people.register(pair[0])
    for author in authors:
        people.follow(pair[1], reader, author)
    paths = [f"/table/followers/{author}:{reader}/" for author in authors]
    for worker in pair:
        eventually(lambda worker=worker: {worker.call("GET", path).status for path in paths} == {200}, *pair)
        assert {worker.call("GET", path).body["following"] for path in paths} == {True}


def test_the_router_lists_the_workers_addresses(pair):
    expected = {f"http://[::1]:{pair[0].port}", f"http://localhost:{pair[1].port}"}
    assert all(set(worker.call("GET", "/router/").body) == expected for worker in pair)


def test_each_shows_the_other_on_the_overview(pair):
    for worker in pair:
        lines = worker.call("GET", "/admin/status.json").body["workers"]
        assert {line["name"]: line["problems"] for line in lines} == {one.name: [] for one in pair}


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
