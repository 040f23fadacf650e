"""Limits on the number of connections: of one address, and of the server; and the answer to those that exceed them.

Connections are counted by IPv4 address and by IPv6 /64 network, because one IPv6 customer owns 2**64 addresses.

A refused connection is not closed at once: the client's request would lie unread in it, TCP would reset it, and the
client would not see the reason. It stays open for a second, is answered when its request arrives, and what it sends is
discarded. It is not answered earlier, because a browser that opens connections in advance would take the answer for
that of its next request. When many refused connections are open already, further ones are closed without an answer.
"""

import asyncio
from collections import Counter
from enum import StrEnum
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from web.http.problems import TooManyConnections
from web.middlewares.cors import CorsPolicy, find_origin
from web.server.early_responses import render
from web.server.limits import MAX_REJECTIONS, REJECTION_SECONDS, Limits


class RefusalReason(StrEnum):
    """Which limit a refused connection exceeded."""

    TOTAL = "total"
    ADDRESS = "address"


class CutReason(StrEnum):
    """Which deadline a connection missed that the server closed."""

    HEAD = "head"
    SEND = "send"


class ConnectionLimits:
    """Counts a server's connections and refuses those above the limits."""

    def __init__(self, limits: Limits) -> None:
        """Start without connections; every reason is counted from 0."""
        self._limits = limits
        self._by_address: Counter[str] = Counter()
        self._rejections = 0
        self.open = 0
        self.refused = Counter(dict.fromkeys(RefusalReason, 0))
        self.cut = Counter(dict.fromkeys(CutReason, 0))

    def enter(self, address: str) -> bool:
        """Return whether a new connection is accepted; if it is, ``leave`` must be called at its end."""
        if reason := self._exceeded(address):
            self.refused[reason] += 1
            return False
        self.open += 1
        self._by_address[address] += 1
        return True

    def leave(self, address: str) -> None:
        """Count the end of an accepted connection."""
        self.open -= 1
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]

    def begin_rejection(self) -> bool:
        """Return whether a refused connection may stay open; if it may, ``end_rejection`` must be called at its end."""
        allowed = self._rejections < MAX_REJECTIONS
        self._rejections += allowed
        return allowed

    def end_rejection(self) -> None:
        """Count the end of a refused connection."""
        self._rejections -= 1

    def _exceeded(self, address: str) -> RefusalReason | None:
        if self.open >= self._limits.connections:
            return RefusalReason.TOTAL
        allowed = self._limits.connections_per_address
        return RefusalReason.ADDRESS if address and 0 < allowed <= self._by_address[address] else None


def address_key(peername: Any) -> str:  # noqa: ANN401  # a transport's peername has any type
    """Return the IPv4 address or the IPv6 /64 network that a connection counts for; empty if it has no address."""
    if not isinstance(peername, tuple):
        return ""
    address = ip_address(peername[0].partition("%")[0])
    if not isinstance(address, IPv6Address):
        return str(address)
    return str(address.ipv4_mapped or ip_network((address, 64), strict=False))


def reject(transport: asyncio.Transport, connections: ConnectionLimits, cors: CorsPolicy) -> None:
    """Take over a refused connection: answer it with 503, or close it if too many refused ones are open."""
    if connections.begin_rejection():
        transport.set_protocol(Rejection(transport, connections, cors))
    else:
        transport.set_protocol(asyncio.Protocol())
        transport.abort()


class Rejection(asyncio.Protocol):
    """The protocol of a refused connection."""

    def __init__(self, transport: asyncio.Transport, connections: ConnectionLimits, cors: CorsPolicy) -> None:
        """Close the transport after ``REJECTION_SECONDS``."""
        self._transport = transport
        self._connections = connections
        self._cors = cors
        self._answered = False
        self._timer = asyncio.get_running_loop().call_later(REJECTION_SECONDS, transport.abort)

    def data_received(self, data: bytes) -> None:
        """Answer the first bytes with the reason; discard all others."""
        if self._answered:
            return
        self._answered = True
        self._transport.write(render(TooManyConnections, self._cors.headers(find_origin(data))))
        if self._transport.can_write_eof():
            self._transport.write_eof()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Stop the timer and count the end."""
        self._timer.cancel()
        self._connections.end_rejection()
