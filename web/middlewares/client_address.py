"""The client's address, for which rate limits are kept, and by which metrics are open.

It is the address of the connection, which a client cannot choose. Only if that is a trusted proxy of the settings, the
proxy's header counts: its hops are read from the nearest on, and the first that is no trusted proxy is the client. What
lies beyond it may have been written by the client, and is ignored.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

from aiohttp.web import Request

from microblog_streams.config.addresses import Network
from microblog_streams.config.settings import RateLimitSettings

Address = IPv4Address | IPv6Address

#: An IPv6 customer has a /64 network, and may use any address in it.
IPV6_PREFIX_BITS = 64
#: The key of clients without an address: connections over a Unix socket.
NO_ADDRESS = "nowhere"
#: Length of the longest address that is remembered: a proxy's header may hold any text.
MAX_ADDRESS_CHARACTERS: Final = 64
#: Addresses that a worker remembers.
MAX_REMEMBERED: Final = 10_000
#: Headers that proxies add: a request with one of them was sent on for a client elsewhere.
FORWARDING_HEADERS: Final = (
    "X-Forwarded-For",
    "Forwarded",
    "X-Real-IP",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "Via",
)


class ClientAddresses:
    """Finds the addresses of clients behind the trusted proxies."""

    def __init__(self, settings: RateLimitSettings) -> None:
        """Read the trusted proxies and the name of their header from the settings."""
        self._proxies: Sequence[Network] = settings.trusted_proxies
        self._hops = _forwarded if settings.proxy_header == "Forwarded" else _x_forwarded_for

    def of(self, request: Request) -> str:
        """Return the client's IPv4 address or IPv6 /64 network."""
        address = parse(request.remote or "")
        return NO_ADDRESS if address is None else _key(self._behind_proxies(request, address))

    def proven(self, request: Request) -> Address | None:
        """Return the client's address if it is beyond doubt, else None.

        A request that was sent on counts if only trusted proxies did so. The address of any other proxy proves nothing
        of its clients: one on this machine has the loopback address for all of them.
        """
        peer = parse(request.remote or "")
        if peer is None or not any(name in request.headers for name in FORWARDING_HEADERS):
            return peer
        client = self._behind_proxies(request, peer)
        return None if self._is_trusted(client) or not self._is_trusted(peer) else client

    def scheme(self, request: Request) -> str:
        """Return ``http`` or ``https``, as the client sees it: a trusted proxy says so in ``X-Forwarded-Proto``."""
        peer = parse(request.remote or "")
        if peer is None or not self._is_trusted(peer):
            return request.scheme
        told = request.headers.get("X-Forwarded-Proto", "").rpartition(",")[2].strip().lower()
        return told if told in ("http", "https") else request.scheme

    def _behind_proxies(self, request: Request, address: Address) -> Address:
        hops = self._hops(request)
        while self._is_trusted(address) and (hop := parse(next(hops, ""))):
            address = hop
        return address

    def _is_trusted(self, address: Address) -> bool:
        return any(address in network for network in self._proxies)


def parse(text: str) -> Address | None:
    """Return an address, written with or without a port; None for other text."""
    text = text.strip()
    return (_parse if len(text) <= MAX_ADDRESS_CHARACTERS else _parse.__wrapped__)(text)


@lru_cache(MAX_REMEMBERED)
def _parse(text: str) -> Address | None:
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _key(address: Address) -> str:
    if isinstance(address, IPv6Address):
        return str(IPv6Network((int(address), IPV6_PREFIX_BITS), strict=False))
    return str(address)


def _x_forwarded_for(request: Request) -> Iterator[str]:
    """Yield the hops of ``X-Forwarded-For``, the nearest first."""
    return reversed(",".join(request.headers.getall("X-Forwarded-For", [])).split(","))


def _forwarded(request: Request) -> Iterator[str]:
    """Yield the hops of ``Forwarded`` (RFC 7239, parsed by aiohttp), the nearest first."""
    return (hop.get("for", "") for hop in reversed(request.forwarded))
