"""Files that never change while a worker runs: made once, packed once, and not sent again to who has them.

Each has an ``ETag``. Callers ask with it whether theirs still holds, and get a 304 without body where it does.
"""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Self

from aiohttp.web import Request, Response

from web.middlewares.compression import takes_gzip

#: Kept, but asked for each time: what another version of the API would answer otherwise.
ASKED: Final = {"Cache-Control": "no-cache"}
#: Kept for a day, without asking.
KEPT: Final = {"Cache-Control": "max-age=86400"}


@dataclass(frozen=True, slots=True)
class File:
    """Bytes as they are and packed, and what names them."""

    content_type: str
    body: bytes
    packed: bytes
    tag: str

    @classmethod
    def of(cls, content_type: str, body: bytes) -> Self:
        """Make one of its content."""
        return cls(content_type, body, gzip.compress(body, mtime=0), sha256(body).hexdigest()[:32])

    def answer(self, request: Request, headers: Mapping[str, str]) -> Response:
        """Answer the file, or that the caller's is the same."""
        # Weak, because packed or not it is one file.
        known = {**headers, "ETag": f'W/"{self.tag}"'}
        if any(tag.value in (self.tag, "*") for tag in request.if_none_match or ()):
            return Response(status=304, headers=known)
        if takes_gzip(request):
            packed = known | {"Content-Encoding": "gzip"}
            return Response(body=self.packed, content_type=self.content_type, headers=packed)
        return Response(body=self.body, content_type=self.content_type, headers=known)
