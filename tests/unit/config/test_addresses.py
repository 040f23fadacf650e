"""URLs with several hosts, sockets for every address of a host, and origins: their notation, and what is refused."""

import socket
from contextlib import closing, suppress

import pytest
from aiokafka.client import collect_hosts
from yarl import URL

from microblog_streams.config.addresses import (
    check_port,
    host_without_brackets,
    is_loopback,
    join_host_port,
    listening_sockets,
    parse,
)
from microblog_streams.config.settings import Settings, load_settings
from microblog_streams.domain.errors import SetupError

NAME = "MICROBLOG_CORS_ORIGINS"


def test_a_url_is_parsed_into_its_parts():
    address = parse("redis+sentinel://web:p%40ss%3A@a:1,[::1]:2/service/0?x=1&y=%2F")
    assert (address.scheme, address.hosts) == ("redis+sentinel", [("a", 1), ("::1", 2)])
    assert (address.user, address.password) == ("web", "p@ss:")
    assert (address.path, address.options) == ("service/0", {"x": "1", "y": "/"})


def test_a_url_may_have_a_password_without_a_user():
    address = parse("redis://:secret@localhost")
    assert (address.user, address.password, address.path, address.options) == (None, "secret", "", {})


@pytest.mark.parametrize(
    ("url", "places"),
    [
        ("kafka://a", [("a", 9)]),
        ("kafka://a:1,b:2", [("a", 1), ("b", 2)]),
        ("kafka://a:1;b", [("a", 1), ("b", 9)]),
        ("kafka://a:1;kafka://b:2", [("a", 1), ("b", 2)]),
        ("kafka://a:1; kafka://b:2", [("a", 1), ("b", 2)]),
        ("cassandra://a,b:2/keyspace", [("a", 2), ("b", 2)]),
        ("cassandra://a,b:2,c", [("a", 9), ("b", 2), ("c", 9)]),
        ("kafka://[2001:db8::1]:1,[::1]", [("2001:db8::1", 1), ("::1", 9)]),
    ],
)
def test_hosts_and_ports_are_paired(url, places):
    assert parse(url).hosts_with_ports(9) == places


@pytest.mark.parametrize(
    "url",
    [
        "",
        "secret",
        "kafka:secret",
        "kafka://",
        "kafka://a,,secret",
        "kafka://a:secret",
        "kafka://a:0",
        "kafka://a:65536",
        "kafka://::1:9092",
        "redis://:pass/secret@host",
        "redis://:pass@secret@host",
        "redis://:pass#secret@host",
        "redis://host secret",
    ],
)
def test_an_invalid_url_is_refused_without_quoting_it(url):
    with pytest.raises(ValueError, match="not a URL") as told:
        parse(url)
    assert "secret" not in repr(told.value)


def test_the_repr_shows_no_password():
    assert "secret" not in repr(parse("redis://web:secret@host/0?password=secret"))


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("kafka://127.0.0.1:1,localhost,[::1]:2", True),
        ("kafka://127.0.0.2", True),
        ("kafka://127.0.0.1:1,kafka-2:1", False),
        ("kafka://localhost.example", False),
    ],
)
def test_loopback_is_all_hosts_or_none(url, loopback):
    assert parse(url).loopback is loopback


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "::", "web-1.example", "2001:db8::7", "fe80::1%eth0"])
def test_a_joined_host_and_port_can_be_parsed(host):
    place = join_host_port(host, 6066)
    assert place.endswith(":6066")
    assert URL(f"http://{place}").host == host
    if "%" not in host:
        assert parse(f"kafka://{place}").hosts == [(host, 6066)]
        assert collect_hosts([place], randomize=False)[0][:2] == (host, 6066)


@pytest.mark.parametrize(
    ("text", "host"), [("[::1]", "::1"), ("::", "::"), ("localhost", "localhost"), ("fd00::2%e", "fd00::2%e")]
)
def test_brackets_around_a_host_are_removed(text, host):
    assert host_without_brackets(text) == host


@pytest.mark.parametrize(
    "text", ["", "[]", " ", "127.0.0.1:6066", "[::1]:6066", "http://a", "a/b", "::x", "[::1", "a b"]
)
def test_text_that_is_not_a_host_is_refused(text):
    with pytest.raises(ValueError, match="a name or an address alone"):
        host_without_brackets(text)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1", "::1", "0:0:0:0:0:0:0:1"])
def test_loopback_addresses_are_known_in_every_form(host):
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "::2", "127.0.0.1.example", "fd00::1", "x:"])
def test_other_hosts_are_not_loopback(host):
    assert not is_loopback(host)


@pytest.fixture
def loaded(monkeypatch, tmp_path):
    """Load the settings with this variable."""

    def load(value):
        monkeypatch.setenv("MICROBLOG_DATA_DIR", str(tmp_path))
        monkeypatch.setenv(NAME, value)
        return load_settings().cors_origins

    return load


def test_no_origin_is_allowed_by_default():
    assert Settings.model_fields["cors_origins"].default == ()


@pytest.mark.parametrize(
    ("value", "origins"),
    [
        ("", ()),
        ("*", ("*",)),
        ("https://app.example", ("https://app.example",)),
        ("https://App.Example , http://localhost:3000,", ("https://app.example", "http://localhost:3000")),
        ("http://[::1]:8080", ("http://[::1]:8080",)),
        ("capacitor://localhost", ("capacitor://localhost",)),
    ],
)
def test_origins_are_separated_by_commas(loaded, value, origins):
    assert loaded(value) == origins


@pytest.mark.parametrize(
    "value",
    ["app.example", "https://app.example/", "https://", "null", "https://*.app.example", "https://a:b@c", "a b"],
)
def test_an_invalid_origin_is_refused_and_quoted(loaded, value):
    with pytest.raises(SetupError, match=f"{NAME}: .* is no origin"):
        loaded(value)


@pytest.fixture
def listen():
    """Listens on a host, at a port that was free; returns the port."""
    made = []

    def start(host):
        sockets = listening_sockets(host, 0)
        made.extend(sockets)
        for one in sockets:
            one.listen()
        return sockets[0].getsockname()[1]

    yield start
    for one in made:
        one.close()


def reached(host, port):
    with suppress(OSError), closing(socket.create_connection((host, port), timeout=5)):
        return True
    return False


def test_the_ipv6_wildcard_listens_on_both_ip_versions(listen):
    port = listen("::")
    assert reached("127.0.0.1", port)
    assert reached("::1", port)


@pytest.mark.parametrize(("host", "other"), [("::1", "127.0.0.1"), ("127.0.0.1", "::1"), ("0.0.0.0", "::1")])
def test_an_address_listens_on_its_ip_version_only(listen, host, other):
    port = listen(host)
    assert reached("127.0.0.1" if host == "0.0.0.0" else host, port)
    assert not reached(other, port)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "::", "localhost"])
def test_a_taken_port_is_an_error_with_its_address(listen, host):
    port = listen(host)
    with pytest.raises(SetupError, match=rf"MICROBLOG_WEB_PORT: .*:{port} is taken"):
        check_port(host, port)


def test_a_port_taken_on_ipv6_is_taken_for_the_wildcard(listen):
    port = listen("::1")
    with pytest.raises(SetupError, match=rf"\[::\]:{port} is taken"):
        check_port("::", port)


@pytest.mark.parametrize("host", ["2001:db8::7", "192.0.2.7", "no-such-host.invalid"])
def test_an_address_of_another_machine_is_an_error_with_the_setting(host):
    with pytest.raises(SetupError, match="MICROBLOG_WEB_HOST: "):
        check_port(host, 6066)
