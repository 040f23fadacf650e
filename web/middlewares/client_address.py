"""Where a request comes from: the address that budgets are kept for.

That is the address of the connection, which nobody can choose for themselves. Only where it is a proxy's of the
settings does the proxy's header count: the hops in it are looked at from the nearest on, and the first that is no
trusted proxy is the caller. What stands beyond it the caller may have written, and it is not looked at.
"""

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from aiohttp.web import Request

from microblog_streams.config.field_types import Network
from microblog_streams.config.rate_limit_settings import RateLimitSettings

Address = IPv4Address | IPv6Address

#: Bits of an IPv6 address that tell customers apart: each has all addresses below them for the taking.
IPV6_BITS = 64
#: Stands for who has no address: a connection over a socket of the file system.
NOWHERE = "nowhere"


class Addresses:
    """Tells callers apart by where they are."""

    def __init__(self, settings: RateLimitSettings) -> None:
        """Take the proxies, and their header, from the settings."""
        self._proxies: Sequence[Network] = settings.trusted_proxies
        self._hops = _forwarded if settings.proxy_header == "Forwarded" else _x_forwarded_for

    def of(self, request: Request) -> str:
        """Return the caller's IPv4 address, or the /64 network of their IPv6 address."""
        address = parse(request.remote or "")
        if address is None:
            return NOWHERE
        hops = self._hops(request)
        while self._trusted(address) and (hop := parse(next(hops, ""))):
            address = hop
        return _name(address)

    def _trusted(self, address: Address) -> bool:
        return any(address in network for network in self._proxies)


def parse(text: str) -> Address | None:
    """Return an address written with a port or without one; None for anything else."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _name(address: Address) -> str:
    if isinstance(address, IPv6Address):
        return str(IPv6Network((int(address), IPV6_BITS), strict=False))
    return str(address)


def _x_forwarded_for(request: Request) -> Iterator[str]:
    """Yield the hops, the nearest first."""
    return reversed(",".join(request.headers.getall("X-Forwarded-For", [])).split(","))


def _forwarded(request: Request) -> Iterator[str]:
    """Yield the hops, the nearest first; aiohttp reads the header as RFC 7239 has it."""
    return (hop.get("for", "") for hop in reversed(request.forwarded))
