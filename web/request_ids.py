"""``X-Request-ID``: one name for a request in its answer, in every log line and in every error.

A caller or a gateway may give it. It goes into logs and headers as it is, so what is not short and plain is not taken
but replaced by one of ours: nobody is refused for it.
"""

import re
from typing import Final
from uuid import uuid4

from aiohttp.typedefs import Handler
from aiohttp.web import Request, StreamResponse, middleware

from microblog_streams.logs import request_id

HEADER: Final = "X-Request-ID"

_PLAIN: Final = re.compile(r"[A-Za-z0-9._:+/=@-]{1,128}")


@middleware
async def request_ids(request: Request, handler: Handler) -> StreamResponse:
    """Take or make the id, and have it at hand for whatever is done until the answer."""
    ident = given(request) or str(uuid4())
    token = request_id.set(ident)
    try:
        response = await handler(request)
    finally:
        request_id.reset(token)
    response.headers[HEADER] = ident
    return response


def given(request: Request) -> str | None:
    """Return the caller's id, None where there is none that can be taken."""
    values = request.headers.getall(HEADER, [])
    return values[0] if len(values) == 1 and _PLAIN.fullmatch(values[0]) else None
