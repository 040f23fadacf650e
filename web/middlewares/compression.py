"""gzip for whoever takes it, from 1 KiB on: a page of posts shrinks to a third, a single post would hardly.

aiohttp does the work. What to do it with is decided here, because aiohttp sends deflate to whoever names both, and gzip
to whoever refuses it (``gzip;q=0``).
"""

import re
from typing import Final

from aiohttp.typedefs import Handler
from aiohttp.web import ContentCoding, Request, Response, StreamResponse, middleware

#: Bytes of the largest body that is sent as it is.
PLAIN_UP_TO: Final = 1024

_REFUSED: Final = re.compile(r"q=0(\.0*)?", re.ASCII)


@middleware
async def compression(request: Request, handler: Handler) -> StreamResponse:
    """Compress the answer where that is worth it; say to caches that it depends on who asks."""
    response = await handler(request)
    if not isinstance(response, Response):
        return response
    response.headers.add("Vary", "Accept-Encoding")
    if _worth_it(response) and takes_gzip(request):
        response.enable_compression(ContentCoding.gzip)
    return response


def _worth_it(response: Response) -> bool:
    """Tell whether the body is large, and not packed already."""
    return (
        isinstance(response.body, bytes)
        and len(response.body) > PLAIN_UP_TO
        and "Content-Encoding" not in response.headers
    )


def takes_gzip(request: Request) -> bool:
    """Tell whether the caller takes gzip: named, or meant by ``*``, and not refused by a weight of 0."""
    weights = {}
    for item in ",".join(request.headers.getall("Accept-Encoding", [])).lower().split(","):
        coding, *parameters = (part.strip() for part in item.split(";"))
        weights[coding] = not any(_REFUSED.fullmatch(parameter) for parameter in parameters)
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", False)))
