"""Addresses in settings: URLs with several hosts, listening sockets, networks and the origins of web pages.

Kafka, PostgreSQL, Cassandra and Sentinel take lists of hosts, which URL libraries do not support
(``scheme://user:password@host:port,host:port/path?option=value``). All code that joins or splits host and port is here,
because an IPv6 address has colons of its own and needs brackets. Networks and origins are lists with commas between.
"""

import errno
import re
import socket
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Annotated, Any, Final, TypeAlias
from urllib.parse import parse_qsl, unquote

from pydantic import AfterValidator, BeforeValidator
from pydantic_settings import NoDecode

from microblog_streams.domain.errors import SetupError

_URL = re.compile(r"([a-z][a-z+]*)://(?:([^@/?#]*)@)?([^@/?#]+)(/[^?#]*)?(?:\?([^#]*))?")
_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\s:\[\]]+))(?::([0-9]{1,5}))?")
#: Kafka's clients repeat the scheme before each host.
_REPEATED_SCHEME = re.compile(r"[;,]\s*[a-z][a-z+]*://")
_NAME = re.compile(r"[^\s:/?#@\[\]]+")
_LOOPBACK = re.compile(r"localhost|127\.[0-9.]+")
#: All addresses of this machine. ``::`` takes IPv4 connections as well, as in most servers on Linux.
EVERYWHERE: Final = ("0.0.0.0", "::")  # noqa: S104 - compared with
#: Errors of an address that this machine does not have at the moment: ``localhost`` may have two, one switched off.
_NOT_HERE: Final = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)

Network: TypeAlias = IPv4Network | IPv6Network

#: Stands for every origin.
ANY_ORIGIN: Final = "*"
_ORIGIN: Final = re.compile(r"[a-z][a-z0-9+.-]*://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed URL. Its repr hides the password and the options."""

    scheme: str
    #: Hosts with their ports; the port is 0 if the URL has none.
    hosts: Sequence[tuple[str, int]]
    user: str | None
    password: str | None = field(repr=False)
    #: Without leading and trailing slashes.
    path: str
    options: Mapping[str, str] = field(repr=False)

    @property
    def loopback(self) -> bool:
        """Whether all hosts are loopback addresses."""
        return all(is_loopback(host) for host, _ in self.hosts)

    def hosts_with_ports(self, default_port: int) -> list[tuple[str, int]]:
        """Return the hosts with a port each. If only the last host has a port, it is the port of all."""
        *before, (_, last) = self.hosts
        common = last if last and not any(port for _, port in before) else default_port
        return [(host, port or common) for host, port in self.hosts]


def is_loopback(host: str) -> bool:
    """Return whether a host is a loopback address or ``localhost``."""
    if ":" not in host:
        return _LOOPBACK.fullmatch(host) is not None
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def bracket_host(host: str) -> str:
    """Return a host as URLs write it: IPv6 addresses in brackets."""
    return f"[{host}]" if ":" in host else host


def join_host_port(host: str, port: int | str) -> str:
    """Return ``host:port``, or ``[host]:port`` for an IPv6 address."""
    return f"{bracket_host(host)}:{port}"


def host_without_brackets(text: str) -> str:
    """Return a name or an address without brackets, as sockets take it. Raises ValueError for other text."""
    inside = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        known = IPv6Address(inside) if ":" in inside else _NAME.fullmatch(inside)
    except ValueError:
        known = None
    if known is None:
        raise ValueError("expected a name or an address alone, like 127.0.0.1 or ::1, without a port")
    return inside


def parse(url: str) -> Address:
    """Parse a URL; ``,`` or ``;`` separates hosts. Raises ValueError; its message never quotes the URL."""
    found = _URL.fullmatch(_REPEATED_SCHEME.sub(",", url.strip()))
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

    Raises OSError if an address is taken or none belongs to this machine, socket.gaierror if the name is unknown.
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


def check_port(host: str, port: int, setting: str = "WEB") -> None:
    """Raise SetupError if a server cannot listen on this port of the settings ``<setting>_HOST`` and ``_PORT``."""
    address = join_host_port(host, port)
    try:
        for one in listening_sockets(host, port):
            one.close()
    except socket.gaierror as exc:
        raise SetupError(f"MICROBLOG_{setting}_HOST: {host} is no address of this machine ({exc.strerror})") from None
    except OSError as exc:
        if exc.errno == errno.EADDRINUSE:
            raise SetupError(f"MICROBLOG_{setting}_PORT: {address} is taken: set another") from None
        variable = "PORT" if exc.errno == errno.EACCES else "HOST"
        raise SetupError(
            f"MICROBLOG_{setting}_{variable}: {address} cannot be bound ({exc.strerror}): set another"
        ) from None


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _parse_networks(value: object) -> object:
    """Parse text; pydantic validates values of other types."""
    return tuple(map(_parse_network, _split(value))) if isinstance(value, str) else value


def _parse_network(text: str) -> Network:
    try:
        return ip_network(text)
    except ValueError as exc:
        raise ValueError(f"{exc}; expected networks like 10.0.0.0/8,fd00::/8") from None


def _parse_origins(value: object) -> object:
    """Parse text; pydantic validates values of other types."""
    return _split(value.lower()) if isinstance(value, str) else value


def _check_origins(origins: tuple[str, ...]) -> tuple[str, ...]:
    """Raise ValueError for an origin that no browser sends: the setting would silently allow nothing."""
    for origin in origins:
        if origin != ANY_ORIGIN and not _ORIGIN.fullmatch(origin):
            raise ValueError(f"{origin!r} is no origin: expected scheme://host or scheme://host:port, or {ANY_ORIGIN}")
    return origins


#: Address ranges (CIDR): ``10.0.0.0/8,fd00::/8``.
Networks: TypeAlias = Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_parse_networks)]


#: Origins as browsers send them: ``https://app.example,http://localhost:3000``.
Origins: TypeAlias = Annotated[
    tuple[str, ...], NoDecode, BeforeValidator(_parse_origins), AfterValidator(_check_origins)
]
