"""Counting connections by address, and the limits of the settings."""

import resource

import pytest

from microblog_streams.config.settings import Settings
from web.server.connection_limits import ConnectionLimits, CutReason, RefusalReason, address_key
from web.server.limits import Limits, max_possible_connections


@pytest.mark.parametrize(
    ("peername", "counted"),
    [
        (("192.0.2.7", 1234), "192.0.2.7"),
        (("2001:db8:1:2:3:4:5:6", 1234, 0, 0), "2001:db8:1:2::/64"),
        (("2001:db8:1:2:ffff::", 1234, 0, 0), "2001:db8:1:2::/64"),
        (("::ffff:192.0.2.7", 1234, 0, 0), "192.0.2.7"),
        (("fe80::1%eth0", 1234, 0, 2), "fe80::/64"),
        (("::1", 1234, 0, 0), "::/64"),
        (None, ""),
        ("", ""),
        ("/run/socket", ""),
    ],
)
def test_a_client_is_an_address_of_ipv4_and_a_network_of_ipv6(peername, counted):
    assert address_key(peername) == counted


def test_addresses_are_counted_each_for_itself():
    connections = ConnectionLimits(Limits(connections=3, connections_per_address=2))

    entered = [connections.enter(address) for address in ["a", "a", "a", "b", "c"]]

    assert entered == [True, True, False, True, False]
    assert connections.refused == {RefusalReason.ADDRESS: 1, RefusalReason.TOTAL: 1}
    assert connections.open == 3


def test_an_address_that_left_is_forgotten():
    connections = ConnectionLimits(Limits(connections_per_address=1))
    connections.enter("a")
    connections.leave("a")

    assert (connections.open, connections._by_address) == (0, {})
    assert connections.enter("a")


def test_who_has_no_address_counts_for_the_total_alone():
    connections = ConnectionLimits(Limits(connections=2, connections_per_address=1))

    assert [connections.enter("") for _ in range(3)] == [True, True, False]


def test_every_reason_is_counted_from_the_beginning():
    connections = ConnectionLimits(Limits())

    assert (set(connections.refused), set(connections.cut)) == (set(RefusalReason), set(CutReason))


def test_limits_are_the_settings():
    settings = Settings(head_timeout=3, max_connections=7, max_connections_per_address=5)

    limits = Limits.of(settings)

    assert (limits.head_seconds, limits.connections, limits.connections_per_address) == (3, 7, 5)


def test_connections_never_take_more_than_half_of_the_files_that_may_be_open(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 4096))

    assert max_possible_connections() == 512
    assert Limits.of(Settings(max_connections=100_000)).connections == 512


def test_a_process_that_may_open_any_number_has_what_the_settings_say(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    assert Limits.of(Settings(max_connections=100_000)).connections == 100_000
