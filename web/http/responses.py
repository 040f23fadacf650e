"""Responses: JSON models, empty ones, and files that are cached.

A file does not change while a worker runs: it is compressed once, and a client that has its ``ETag`` gets a 304.
"""

import gzip
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Self

from aiohttp.web import Request, Response
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel
from pydantic_core import to_json

from web.http.content_negotiation import accepts_gzip

#: The client stores the file and asks each time whether it changed, as another version of the API may serve it.
REVALIDATE: Final = {"Cache-Control": "no-cache"}
#: The client stores the file for a day.
CACHE_ONE_DAY: Final = {"Cache-Control": "max-age=86400"}


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
