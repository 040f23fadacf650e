"""``X-Request-ID``: one name for a request in its answer, in every log line and in every error.

A caller or a gateway may give it. It goes into logs and headers as it is, so what is not short and plain is not taken
but replaced by one of ours: nobody is refused for it.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from aiohttp.typedefs import Handler
from aiohttp.web import Request, StreamResponse, middleware
from uuid_utils import uuid4

from microblog_streams.observability.logs import request_id

HEADER: Final = "X-Request-ID"

_PLAIN: Final = re.compile(r"[A-Za-z0-9._:+/=@-]{1,128}")


@middleware
async def request_ids(request: Request, handler: Handler) -> StreamResponse:
    """Take or make the id, and have it at hand for whatever is done until the answer."""
    ident = given(request) or made()
    with named(ident):
        response = await handler(request)
    response.headers[HEADER] = ident
    return response


@contextmanager
def named(ident: str) -> Iterator[None]:
    """Have this id at hand in the block."""
    token = request_id.set(ident)
    try:
        yield
    finally:
        request_id.reset(token)


def made() -> str:
    """Return a new id."""
    return str(uuid4())


def given(request: Request) -> str | None:
    """Return the caller's id, None where there is none that can be taken."""
    values = request.headers.getall(HEADER, [])
    return values[0] if len(values) == 1 and _PLAIN.fullmatch(values[0]) else None
