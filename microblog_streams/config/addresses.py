"""Addresses as URLs with several hosts: ``scheme://user:password@host:port,host:port/path?option=value``.

Kafka, PostgreSQL, Cassandra and Sentinel are all reached by lists of hosts, for which URL libraries have no room. Host
and port are joined and split here alone: an address of IPv6 has colons of its own, and stands in brackets. Workers bind
their web server to such an address too (``listening_sockets``).
"""

import errno
import re
import socket
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

_URL = re.compile(r"([a-z][a-z+]*)://(?:([^@/?#]*)@)?([^@/?#]+)(/[^?#]*)?(?:\?([^#]*))?")
_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\s:\[\]]+))(?::([0-9]{1,5}))?")
#: Kafka's clients name the scheme before each host.
_AGAIN = re.compile(r"[;,]\s*[a-z][a-z+]*://")
_NAME = re.compile(r"[^\s:/?#@\[\]]+")
_LOOPBACK = re.compile(r"localhost|127\.[0-9.]+")
#: All addresses of this machine. ``::`` takes IPv4 connections as well, as in most servers on Linux.
EVERYWHERE: Final = ("0.0.0.0", "::")  # noqa: S104 - compared with
#: Errors of an address that this machine does not have at the moment: ``localhost`` may have two, one switched off.
_NOT_HERE: Final = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


@dataclass(frozen=True, slots=True)
class Address:
    """What such a URL says. Its repr shows no password and no options."""

    scheme: str
    #: Each host with its port, 0 where none is given.
    hosts: Sequence[tuple[str, int]]
    user: str | None
    password: str | None = field(repr=False)
    #: Without the slashes around it.
    path: str
    options: Mapping[str, str] = field(repr=False)

    @property
    def loopback(self) -> bool:
        """Whether all hosts are this machine."""
        return all(is_loopback(host) for host, _ in self.hosts)

    def places(self, default_port: int) -> list[tuple[str, int]]:
        """Return each host with a port. A port after the last host alone is that of all."""
        *before, (_, last) = self.hosts
        usual = last if last and not any(port for _, port in before) else default_port
        return [(host, port or usual) for host, port in self.hosts]


def is_loopback(host: str) -> bool:
    """Tell whether nobody but this machine reaches a host."""
    if ":" not in host:
        return _LOOPBACK.fullmatch(host) is not None
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def bracketed(host: str) -> str:
    """Return a host as it stands before a port, or in a URL."""
    return f"[{host}]" if ":" in host else host


def joined(host: str, port: int | str) -> str:
    """Return ``host:port``, ``[host]:port`` for an address of IPv6."""
    return f"{bracketed(host)}:{port}"


def bare(text: str) -> str:
    """Return a host as sockets take it: a name or an address, without brackets. Raises ValueError for anything else."""
    inside = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        known = IPv6Address(inside) if ":" in inside else _NAME.fullmatch(inside)
    except ValueError:
        known = None
    if known is None:
        raise ValueError("expected a name or an address alone, like 127.0.0.1 or ::1, without a port")
    return inside


def parse(url: str) -> Address:
    """Take a URL apart; hosts are separated by ``,`` or ``;``. Raises ValueError, whose text never quotes the URL."""
    found = _URL.fullmatch(_AGAIN.sub(",", url.strip()))
    if found is None:
        raise ValueError("not a URL; in a password, @ / ? # are written %40 %2F %3F %23")
    scheme, login, hosts, path, query = found.groups()
    user, colon, password = (login or "").partition(":")
    return Address(
        scheme,
        [_host(host) for host in re.split(r"[;,]\s*", hosts)],
        unquote(user) or None,
        unquote(password) if colon else None,
        unquote(path or "").strip("/"),
        dict(parse_qsl(query or "", keep_blank_values=True)),
    )


def _host(text: str) -> tuple[str, int]:
    found = _HOST.fullmatch(text)
    if found is None or int(found[3] or 1) not in range(1, 65_536):
        raise ValueError("not a URL: expected host or host:port, separated by commas")
    return found[1] or found[2], int(found[3] or 0)


def listening_sockets(host: str, port: int) -> list[socket.socket]:
    """Return a bound socket for each address of ``host``; the caller closes them.

    Raises OSError where an address is taken, or none is this machine's; socket.gaierror where the name is unknown.
    """
    addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    failure: OSError | None = None
    with ExitStack() as close_on_failure:
        bound = []
        for family, kind, protocol, _, address in dict.fromkeys(addresses):
            try:
                bound.append(close_on_failure.enter_context(_bound(family, kind, protocol, address)))
            except OSError as exc:
                if exc.errno not in _NOT_HERE:
                    raise
                failure = exc
        if failure and not bound:
            raise failure
        close_on_failure.pop_all()
    return bound


def _bound(family: int, kind: int, protocol: int, address: Any) -> socket.socket:  # noqa: ANN401 - as getaddrinfo has it
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, address[0] not in EVERYWHERE)
        sock.bind(address)
    except BaseException:
        sock.close()
        raise
    return sock
