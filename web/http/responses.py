"""Responses: JSON models, empty ones, cached files; the headers of rate limits; and what the client accepts.

A file does not change while a worker runs: it is compressed once, and a client that has its ``ETag`` gets a 304. A
client names the media types and codings that it accepts in ``Accept`` and ``Accept-Encoding`` (RFC 9110, section 12.5).
``RateLimit`` and ``RateLimit-Policy`` are structured fields of draft-ietf-httpapi-ratelimit-headers.
"""

import gzip
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import ceil
from typing import Final, Self

from aiohttp.web import Request, Response
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel
from pydantic_core import to_json

from microblog_streams.domain.rates import Rate, Verdict

#: The client stores the file and asks each time whether it changed, as another version of the API may serve it.
REVALIDATE: Final = {"Cache-Control": "no-cache"}
#: The client stores the file for a day.
CACHE_ONE_DAY: Final = {"Cache-Control": "max-age=86400"}

_WEIGHT: Final = re.compile(r"q=(0(\.[0-9]{0,3})?|1(\.0{0,3})?)", re.ASCII)
_REFUSED: Final = re.compile(r"q=0(\.0*)?", re.ASCII)


class ResponseModel(BaseModel):
    """Base of the models of responses."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


def model(content: ResponseModel, status: int = 200, location: str | None = None) -> Response:
    """Return one model as JSON; ``location`` is the path of what was created."""
    headers = {"Location": location} if location else {}
    return json(content.model_dump_json(by_alias=True).encode(), status, headers)


def secret(content: ResponseModel, location: str) -> Response:
    """Return a 201 with a secret in it, which no cache may store."""
    response = model(content, 201, location)
    response.headers["Cache-Control"] = "no-store"
    return response


def models(contents: Sequence[ResponseModel]) -> Response:
    """Return a JSON array without pages."""
    return json(b"[" + b",".join(each.model_dump_json(by_alias=True).encode() for each in contents) + b"]")


def mapping(content: Mapping[str, object]) -> Response:
    """Return a mapping as JSON."""
    return json(to_json(content))


def no_content() -> Response:
    """Return a 204."""
    return Response(status=204)


def allowed_methods(methods: Iterable[str]) -> Response:
    """Return a 204 with the methods in ``Allow``."""
    return Response(status=204, headers={"Allow": ",".join(sorted(methods))})


def json(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a body that is JSON already."""
    return Response(body=body, status=status, headers=headers, content_type="application/json")


def rate_limit_headers(limit: str, verdict: Verdict) -> Mapping[str, str]:
    """Return both headers; ``limit`` is the rate limit's name."""
    names = {each.rate: _policy_name(limit, each.rate, first=not at) for at, each in enumerate(verdict.left)}
    left = verdict.tightest
    return {
        "RateLimit-Policy": ", ".join(f"{name};q={rate.amount};w={rate.get_expiry()}" for rate, name in names.items()),
        "RateLimit": f"{names[left.rate]};r={left.requests};t={ceil(left.seconds)}",
    }


def _policy_name(limit: str, rate: Rate, first: bool) -> str:
    """Return ``"posting"`` for the first rate, and ``"posting-day"`` or ``"posting-7-day"`` for the others."""
    count = f"{rate.multiples}-" if rate.multiples > 1 else ""
    return f'"{limit}"' if first else f'"{limit}-{count}{rate.GRANULARITY.name}"'


@dataclass(frozen=True, slots=True)
class CachedFile:
    """A file's bytes, as they are and gzipped, and its ETag without quotes."""

    content_type: str
    body: bytes
    gzipped: bytes
    tag: str

    @classmethod
    def of(cls, content_type: str, body: bytes) -> Self:
        """Compress and hash ``body``."""
        return cls(content_type, body, gzip.compress(body, mtime=0), sha256(body).hexdigest()[:32])

    def response(self, request: Request, headers: Mapping[str, str]) -> Response:
        """Return the file, or a 304 if the client has it."""
        # The tag is weak, because compressed or not it is one file.
        common = {**headers, "ETag": f'W/"{self.tag}"'}
        if any(tag.value in (self.tag, "*") for tag in request.if_none_match or ()):
            return Response(status=304, headers=common)
        if accepts_gzip(request):
            compressed = common | {"Content-Encoding": "gzip"}
            return Response(body=self.gzipped, content_type=self.content_type, headers=compressed)
        return Response(body=self.body, content_type=self.content_type, headers=common)


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
