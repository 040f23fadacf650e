"""Who is in: connections by address, how many were refused and how many were cut, for all of a server.

Counted by what a client cannot choose freely. That is an IPv4 address, but of IPv6 the first half: whoever has one
address there has 2**64 of them.
"""

from collections import Counter
from enum import StrEnum
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from web.server.limits import MAX_FAREWELLS, Limits


class Refused(StrEnum):
    """Why a connection was not let in."""

    TOTAL = "total"
    ADDRESS = "address"


class Cut(StrEnum):
    """Why a connection was ended by us."""

    HEAD = "head"
    SEND = "send"


class ConnectionLimits:
    """Lets connections in and counts them."""

    def __init__(self, limits: Limits) -> None:
        """Begin with nobody in."""
        self._limits = limits
        self._by_address: Counter[str] = Counter()
        self._farewells = 0
        self.open = 0
        self.refused = Counter(dict.fromkeys(Refused, 0))
        self.cut = Counter(dict.fromkeys(Cut, 0))

    def enter(self, address: str) -> bool:
        """Let a connection in, and tell whether it is. One that is must ``leave``."""
        if reason := self._objection(address):
            self.refused[reason] += 1
            return False
        self.open += 1
        self._by_address[address] += 1
        return True

    def leave(self, address: str) -> None:
        """Take note that a connection is gone."""
        self.open -= 1
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]

    def begin_farewell(self) -> bool:
        """Tell whether one more of the refused may stay until it has read why; then ``end_farewell`` must follow."""
        allowed = self._farewells < MAX_FAREWELLS
        self._farewells += allowed
        return allowed

    def end_farewell(self) -> None:
        """Take note that a refused connection is gone."""
        self._farewells -= 1

    def _objection(self, address: str) -> Refused | None:
        if self.open >= self._limits.connections:
            return Refused.TOTAL
        most = self._limits.connections_per_address
        return Refused.ADDRESS if address and 0 < most <= self._by_address[address] else None


def counted_as(peername: Any) -> str:  # noqa: ANN401  # whatever a transport says
    """Return what a peer is counted as: its IPv4 address, its IPv6 network, or nothing where it has no address."""
    if not isinstance(peername, tuple):
        return ""
    address = ip_address(peername[0].partition("%")[0])
    if not isinstance(address, IPv6Address):
        return str(address)
    return str(address.ipv4_mapped or ip_network((address, 64), strict=False))
