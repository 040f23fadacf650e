"""``Expect: 100-continue`` (RFC 9110, section 10.1.1): a client that sends its body once it is told to go on.

As released, it is told so when the head is there, and sends what is refused for its head alone. So aiohttp does not see
the header: whoever reads a body tells the client before (``web.http.body``), and a refusal comes in place of it. The
connection ends with that refusal, because nobody can know whether the body still comes: what is read of it would be
the client's next request, or the next request would be read as the body.
"""

from collections.abc import Callable
from typing import Any, Final, cast

from aiohttp import HttpVersion11
from aiohttp.hdrs import EXPECT
from aiohttp.web import BaseRequest, HTTPExpectationFailed, Request, RequestKey

#: What the header said; not there where there was none, and once the client was told.
EXPECTED: Final = RequestKey("expected", str)

_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"

Factory = Callable[..., BaseRequest]


def expecting(factory: Factory) -> Factory:
    """Return what makes requests as ``factory`` does, without their ``Expect``. HTTP/1.0 does not have it."""

    def make(message: Any, *rest: Any) -> BaseRequest:  # noqa: ANN401  # aiohttp's own arguments
        if (expected := message.headers.get(EXPECT)) is None:
            return factory(message, *rest)
        headers = message.headers.copy()
        del headers[EXPECT]
        request = cast(Request, factory(message._replace(headers=headers), *rest))
        if message.version >= HttpVersion11:
            request[EXPECTED] = expected.lower()
        return request

    return make


def check(request: Request) -> None:
    """Raise HTTPExpectationFailed where something else is expected than to be told to go on."""
    if request.get(EXPECTED, "100-continue") != "100-continue":
        raise HTTPExpectationFailed


async def go_on(request: Request) -> None:
    """Tell a client that waits to send its body."""
    if request.pop(EXPECTED, None) and not request.content.is_eof():
        writer = cast(Any, request.writer)
        await writer.write(_CONTINUE)
        writer.output_size = 0  # the answer itself has not begun


def waits(request: Request) -> bool:
    """Return whether the client may still wait to send its body."""
    return EXPECTED in request and not request.content.is_eof()
