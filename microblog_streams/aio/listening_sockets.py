"""The sockets that a worker's web server listens on: made in one way, for the server and for the look before it."""

import errno
import socket
from contextlib import ExitStack
from typing import Any, Final

#: All addresses of this machine. Of IPv6 it takes IPv4 connections along, as most servers on Linux do.
EVERYWHERE: Final = ("0.0.0.0", "::")  # noqa: S104 - compared with
#: What is said of an address that this machine has not (now): ``localhost`` can be two, of which one is switched off.
_NOT_HERE: Final = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


def listening_sockets(host: str, port: int) -> list[socket.socket]:
    """Return a bound socket for each address of ``host``, for the caller to close.

    Raises OSError where one is taken or none is this machine's, and socket.gaierror for a name that nobody knows.
    """
    places = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    failure: OSError | None = None
    with ExitStack() as closed_on_failure:
        bound = []
        for family, kind, protocol, _, place in dict.fromkeys(places):
            try:
                bound.append(closed_on_failure.enter_context(_bound(family, kind, protocol, place)))
            except OSError as exc:
                if exc.errno not in _NOT_HERE:
                    raise
                failure = exc
        if failure and not bound:
            raise failure
        closed_on_failure.pop_all()
    return bound


def _bound(family: int, kind: int, protocol: int, place: Any) -> socket.socket:  # noqa: ANN401 - as getaddrinfo has it
    one = socket.socket(family, kind, protocol)
    try:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, place[0] not in EVERYWHERE)
        one.bind(place)
    except BaseException:
        one.close()
        raise
    return one
