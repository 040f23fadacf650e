"""Which form of an answer a caller prefers (``Accept``, RFC 9110 section 12.5.1), where there is more than one."""

import re
from collections.abc import Sequence
from typing import Final

from aiohttp.web import Request

_WEIGHT: Final = re.compile(r"q=(0(\.[0-9]{0,3})?|1(\.0{0,3})?)", re.ASCII)


def preferred(request: Request, offered: Sequence[str]) -> str:
    """Return the media type that weighs most; the first of ``offered`` among equals, and where none is accepted.

    A refusal would help nobody: whoever asks gets what there is, and its ``Content-Type`` says what that is.
    """
    ranges = _ranges(",".join(request.headers.getall("Accept", [])).lower())
    return max(offered, key=lambda offer: _weight(offer, ranges))


def _ranges(header: str) -> dict[str, float]:
    """Return the weights by media range. Parameters other than the weight are not told apart."""
    found = {}
    for item in header.split(","):
        name, *parameters = (part.strip() for part in item.split(";"))
        if name:
            weights = [float(match[1]) for text in parameters if (match := _WEIGHT.fullmatch(text))]
            found[name] = weights[0] if weights else 1.0
    return found


def _weight(offer: str, ranges: dict[str, float]) -> float:
    """Return what an offer weighs: by its own name, else by its kind, else by ``*/*``."""
    kind = offer.partition("/")[0] + "/*"
    return next((ranges[name] for name in (offer, kind, "*/*") if name in ranges), 0.0)
