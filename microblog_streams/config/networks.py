"""Networks: address ranges (CIDR), as settings name them."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, TypeAlias

from pydantic import BeforeValidator
from pydantic_settings import NoDecode

Network: TypeAlias = IPv4Network | IPv6Network


def _split(value: object) -> object:
    """Read what an environment variable holds; anything else is for pydantic to judge."""
    if not isinstance(value, str):
        return value
    return tuple(_network(part.strip()) for part in value.split(",") if part.strip())


def _network(text: str) -> Network:
    try:
        return ip_network(text)
    except ValueError as exc:
        raise ValueError(f"{exc}; expected networks like 10.0.0.0/8,fd00::/8") from None


#: A field of settings: networks with commas between them.
Networks: TypeAlias = Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_split)]
