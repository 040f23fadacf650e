"""The network to a part: slow, silent in one direction or both, or ending connections; and nothing is ever lost."""

import socket
import threading
import time
from contextlib import closing

import pytest

from tests.chaos.proxy import HOST, proxy


@pytest.fixture
def echo():
    """A server that sends back what it gets, on this port; ``None`` in place of it ends the connection."""
    server = socket.create_server((HOST, 0))

    def serve():
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=_send_back, args=(connection,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    with closing(server):
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def _send_back(connection):
    with closing(connection):
        while data := connection.recv(65_536):
            connection.sendall(data)
            if data.endswith(b"bye"):
                return


@pytest.fixture
def slow(echo):
    with proxy(echo) as made:
        yield made


@pytest.fixture
def call(slow):
    """A connection through the proxy."""
    with socket.create_connection((HOST, slow.port), timeout=60) as connection:
        yield connection


def received(connection, length):
    got = b""
    while len(got) < length and (data := connection.recv(65_536)):
        got += data
    return got


def test_what_is_sent_comes_whole_and_in_order(slow, call):
    slow.there = slow.back = 0.05
    sent = bytes(range(256)) * 20_000
    threading.Thread(target=call.sendall, args=(sent,)).start()
    assert received(call, len(sent)) == sent


@pytest.mark.parametrize("way", ["there", "back"])
def test_an_answer_is_late_by_either_delay(slow, call, way):
    setattr(slow, way, 0.3)
    begun = time.monotonic()
    call.sendall(b"hello")
    received(call, 5)
    assert time.monotonic() - begun >= 0.3


def test_what_is_sent_side_by_side_is_late_once(slow, call):
    slow.there = 1.0
    begun = time.monotonic()
    for _ in range(20):
        call.sendall(b"x")
        time.sleep(0.02)
    assert received(call, 20) == b"x" * 20
    assert time.monotonic() - begun < 10 * slow.there, "late one after the other"


def test_a_delay_that_is_over_is_over_for_open_connections_too(slow, call):
    slow.there = 2.0
    call.sendall(b"late")
    received(call, 4)
    slow.there = 0.0
    begun = time.monotonic()
    call.sendall(b"soon")
    received(call, 4)
    assert time.monotonic() - begun < 2.0


def test_the_last_words_of_the_part_arrive_before_its_end(slow, call):
    slow.back = 0.2
    call.sendall(b"good bye")
    assert received(call, 100) == b"good bye"


def test_a_part_that_is_away_takes_no_connection():
    with socket.socket() as taken:  # nothing listens there, and nothing else can
        taken.bind((HOST, 0))
        port = taken.getsockname()[1]
        with proxy(port) as made, socket.create_connection((HOST, made.port), timeout=60) as connection:
            assert connection.recv(1) == b""


def test_connections_that_are_open_end_with_the_proxy(echo):
    with proxy(echo) as made:
        connection = socket.create_connection((HOST, made.port), timeout=60)
        connection.sendall(b"hello")
        received(connection, 5)
    with closing(connection):
        assert connection.recv(1) == b""


@pytest.mark.parametrize("ways", [{"there"}, {"back"}, {"there", "back"}])
def test_where_nothing_passes_it_is_kept_until_the_way_is_open_again(slow, call, ways):
    call.sendall(b"before")
    assert received(call, 6) == b"before"
    with slow.passing_nothing(frozenset(ways)):
        call.sendall(b"meanwhile")
        call.settimeout(0.3)
        with pytest.raises(TimeoutError):
            call.recv(1)
    call.settimeout(10)
    assert received(call, 9) == b"meanwhile"


def test_in_one_direction_alone_what_is_sent_arrives_and_its_answer_does_not(slow, call, echo):
    with slow.passing_nothing(frozenset({"back"})):
        call.sendall(b"good bye")
        # The server has read it: it ended the connection behind.
        call.settimeout(0.3)
        with pytest.raises(TimeoutError):
            call.recv(1)
    call.settimeout(10)
    assert received(call, 100) == b"good bye"


def test_connections_are_reset_and_new_ones_too_until_it_is_over(slow, call):
    call.sendall(b"before")
    assert received(call, 6) == b"before"
    with slow.ending_connections():
        with pytest.raises(ConnectionResetError):
            call.recv(1)
        assert_reset(slow.port)
    with socket.create_connection((HOST, slow.port), timeout=60) as connection:
        connection.sendall(b"after")
        assert received(connection, 5) == b"after"


def assert_reset(port):
    """See that a new connection is of no use: the reset comes while it is made, or once it is read."""
    try:
        with socket.create_connection((HOST, port), timeout=60) as connection:
            assert connection.recv(1) == b""
    except ConnectionResetError:
        return
