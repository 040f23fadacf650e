"""``X-Request-ID``: identifies a request in its response, in every log line and in every error.

A client or a gateway may send it. The value appears in logs and headers, so one that is long or has other characters is
replaced by a new id; the request is not refused for it.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from aiohttp.typedefs import Handler
from aiohttp.web import Request, StreamResponse, middleware
from uuid_utils import uuid4

from microblog_streams.logs.context import is_request_id, request_id
from web.http.params import method_name, resource_of, route_name

log = logging.getLogger(__name__)

HEADER: Final = "X-Request-ID"


@middleware
async def request_ids(request: Request, handler: Handler) -> StreamResponse:
    """Set the request's id, received or new, for the logs and in the response."""
    ident = received_request_id(request) or new_request_id()
    with request_id_set(ident):
        response = await handler(request)
        if log.isEnabledFor(logging.DEBUG):
            log.debug("request_answered method=%s route=%s status=%d", *_line(request), response.status)
    response.headers[HEADER] = ident
    return response


def _line(request: Request) -> tuple[str, str]:
    return method_name(request.method), route_name(resource_of(request))


@contextmanager
def request_id_set(ident: str) -> Iterator[None]:
    """Set the id for logs and problems within the block."""
    token = request_id.set(ident)
    try:
        yield
    finally:
        request_id.reset(token)


def new_request_id() -> str:
    """Return a random UUID."""
    return str(uuid4())


def received_request_id(request: Request) -> str | None:
    """Return the id that was sent, None without one or if it is not valid."""
    values = request.headers.getall(HEADER, [])
    return values[0] if len(values) == 1 and is_request_id(values[0]) else None
