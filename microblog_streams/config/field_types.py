"""Types of settings that an environment variable holds as text with commas: networks, and origins of web pages."""

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Final, TypeAlias

from pydantic import AfterValidator, BeforeValidator
from pydantic_settings import NoDecode

Network: TypeAlias = IPv4Network | IPv6Network

#: Stands for every origin.
ANY_ORIGIN: Final = "*"
_ORIGIN: Final = re.compile(r"[a-z][a-z0-9+.-]*://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?", re.ASCII)


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
