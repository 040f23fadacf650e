"""What a client accepts: media types (``Accept``) and gzip (``Accept-Encoding``), RFC 9110, section 12.5."""

import re
from collections.abc import Sequence
from typing import Final

from aiohttp.web import Request

_WEIGHT: Final = re.compile(r"q=(0(\.[0-9]{0,3})?|1(\.0{0,3})?)", re.ASCII)
_REFUSED: Final = re.compile(r"q=0(\.0*)?", re.ASCII)


def preferred_type(request: Request, offered: Sequence[str]) -> str:
    """Return the media type with the highest weight; of equal weights, and if none is accepted, the first offered.

    It never refuses a client with 406: a response in another type, named by ``Content-Type``, is more useful.
    """
    ranges = _media_ranges(",".join(request.headers.getall("Accept", [])).lower())
    return max(offered, key=lambda offer: _weight(offer, ranges))


def accepts_gzip(request: Request) -> bool:
    """Return whether the client accepts gzip: by its name or by ``*``, with a weight other than 0."""
    accepted = {}
    for item in ",".join(request.headers.getall("Accept-Encoding", [])).lower().split(","):
        coding, *parameters = (part.strip() for part in item.split(";"))
        accepted[coding] = not any(_REFUSED.fullmatch(parameter) for parameter in parameters)
    return accepted.get("gzip", accepted.get("x-gzip", accepted.get("*", False)))


def _media_ranges(header: str) -> dict[str, float]:
    """Return the weights by media range. Parameters other than the weight are ignored."""
    found = {}
    for item in header.split(","):
        name, *parameters = (part.strip() for part in item.split(";"))
        if name:
            weights = [float(match[1]) for text in parameters if (match := _WEIGHT.fullmatch(text))]
            found[name] = weights[0] if weights else 1.0
    return found


def _weight(offer: str, ranges: dict[str, float]) -> float:
    """Return the weight of a media type: by its name, else by ``type/*``, else by ``*/*``."""
    main_type = offer.partition("/")[0] + "/*"
    return next((ranges[name] for name in (offer, main_type, "*/*") if name in ranges), 0.0)
