"""What is said where there is no request: a problem document with an id, like every error, and not a byte echoed."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

from aiohttp.hdrs import CONNECTION
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong
from aiohttp.web import (
    HTTPBadRequest,
    HTTPException,
    HTTPRequestHeaderFieldsTooLarge,
    HTTPRequestURITooLong,
    Request,
    Response,
)

from microblog_streams.domain.errors import Invalid
from web.http.problems import Crowded, problem_response, refusal
from web.middlewares.request_ids import HEADER, given, made, named
from web.server.limits import MAX_URL
from web.server.security_headers import discreet

#: Stands for an id that is not made yet, and is as long as one.
_ANY: Final = "00000000-0000-0000-0000-000000000000"


def meaning(error: HttpProcessingError) -> HTTPException:
    """Return what the parser's error is in HTTP. It has one class for every line that is too long."""
    if isinstance(error, LineTooLong):
        return HTTPRequestURITooLong() if error.args[1] == MAX_URL else HTTPRequestHeaderFieldsTooLarge()
    if error.message == "Too many headers received":
        return HTTPRequestHeaderFieldsTooLarge()
    return HTTPBadRequest()


def refuse(reason: HTTPException | Crowded | Invalid, shared: Mapping[str, str], ident: str | None = None) -> Response:
    """Return the answer, after which the connection ends; ``ident`` is the request's id where there is one.

    ``shared`` are the headers that let a page of another origin read it.
    """
    return _last(lambda: refusal(reason), shared, ident or made())


def failed(exc: Exception, request: Request, shared: Mapping[str, str]) -> Response:
    """Return the answer to a request that a middleware of ours failed at, after which the connection ends."""
    return _last(lambda: problem_response(exc, request), shared, given(request) or made())


def _last(answer: Callable[[], Response], shared: Mapping[str, str], ident: str) -> Response:
    with named(ident):
        response = answer()
    response.headers.update({**shared, HEADER: ident, CONNECTION: "close"})
    response.force_close()
    return discreet(response)


def on_the_wire(reason: Callable[[], HTTPException | Crowded], shared: Mapping[str, str]) -> bytes:
    """Return the same as bytes, for a connection that has no request it could be the answer to.

    Made once, but for the id: hundreds of connections may be refused in the same moment, while others wait.
    """
    return _rendered(reason, tuple(shared.items())).replace(_ANY.encode(), made().encode())


@cache
def _rendered(reason: Callable[[], HTTPException | Crowded], shared: tuple[tuple[str, str], ...]) -> bytes:
    response = refuse(reason(), dict(shared), _ANY)
    body = response.body
    assert isinstance(body, bytes)
    headers = {**response.headers, "Content-Length": str(len(body))}
    lines = [f"HTTP/1.1 {response.status} {response.reason}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body
