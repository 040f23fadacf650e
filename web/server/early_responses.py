"""Answers where no handler can give one: problem documents with a request id, without any byte of what was sent.

Also the headers that every answer has (``secure``).
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Final, TypeVar

from aiohttp.hdrs import CONNECTION
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong
from aiohttp.web import (
    HTTPBadRequest,
    HTTPException,
    HTTPRequestHeaderFieldsTooLarge,
    HTTPRequestURITooLong,
    Request,
    Response,
    StreamResponse,
)

from microblog_streams.domain.errors import Invalid
from web.http.problems import TooManyConnections, early_problem_response, problem_response
from web.middlewares.request_ids import HEADER, new_request_id, received_request_id, request_id_set
from web.server.limits import MAX_URL_BYTES

ResponseT = TypeVar("ResponseT", bound=StreamResponse)

#: ``nosniff``: a post's text, sent as JSON, must not be shown as a page by a browser that guesses the type.
#: ``Server``: as released it names the versions of Python and aiohttp.
SECURITY_HEADERS: Final = {"X-Content-Type-Options": "nosniff", "Server": "microblog"}

#: Replaced by a request id of the same length.
_PLACEHOLDER_ID: Final = "00000000-0000-0000-0000-000000000000"


def secure(response: ResponseT) -> ResponseT:
    """Add the security headers to a response that is not sent yet, and return it."""
    response.headers.update(SECURITY_HEADERS)
    return response


def to_http_error(error: HttpProcessingError) -> HTTPException:
    """Return the HTTP error of a parser's error, which has one class for every line that is too long."""
    if isinstance(error, LineTooLong):
        return HTTPRequestURITooLong() if error.args[1] == MAX_URL_BYTES else HTTPRequestHeaderFieldsTooLarge()
    if error.message == "Too many headers received":
        return HTTPRequestHeaderFieldsTooLarge()
    return HTTPBadRequest()


def early_response(
    reason: HTTPException | TooManyConnections | Invalid, cors_headers: Mapping[str, str], request_id: str | None = None
) -> Response:
    """Return the answer to a request that cannot be read or is not accepted. It ends the connection."""
    return _closing(lambda: early_problem_response(reason), cors_headers, request_id or new_request_id())


def failure_response(exc: Exception, request: Request, cors_headers: Mapping[str, str]) -> Response:
    """Return the answer to a request at which one of our middlewares failed. It ends the connection."""
    return _closing(
        lambda: problem_response(exc, request), cors_headers, received_request_id(request) or new_request_id()
    )


def _closing(make: Callable[[], Response], cors_headers: Mapping[str, str], request_id: str) -> Response:
    with request_id_set(request_id):
        response = make()
    response.headers.update({**cors_headers, HEADER: request_id, CONNECTION: "close"})
    response.force_close()
    return secure(response)


def render(reason: Callable[[], HTTPException | TooManyConnections], cors_headers: Mapping[str, str]) -> bytes:
    """Return an early response as bytes, for a connection without a request.

    Cached apart from the id, because hundreds of connections may be refused at once.
    """
    return _rendered(reason, tuple(cors_headers.items())).replace(_PLACEHOLDER_ID.encode(), new_request_id().encode())


@cache
def _rendered(
    reason: Callable[[], HTTPException | TooManyConnections], cors_headers: tuple[tuple[str, str], ...]
) -> bytes:
    response = early_response(reason(), dict(cors_headers), _PLACEHOLDER_ID)
    body = response.body
    assert isinstance(body, bytes)
    headers = {**response.headers, "Content-Length": str(len(body))}
    lines = [f"HTTP/1.1 {response.status} {response.reason}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body
