"""A web server listens on every address of its host, IPv4 and IPv6."""

import socket
from contextlib import closing, suppress

import pytest

from microblog_streams.config.addresses import check_port, listening_sockets
from microblog_streams.domain.errors import SetupError


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
