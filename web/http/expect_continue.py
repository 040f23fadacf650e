"""``Expect: 100-continue`` (RFC 9110, section 10.1.1): the client sends the body only after it was told to continue.

As released, aiohttp tells it so as soon as the head was read, and the client sends bodies that are then refused for
their head alone. So the header is hidden from aiohttp: the code that reads a body (``web.http.body``) sends the
``100 Continue`` first, and a refusal takes its place. The connection ends with that refusal: the server cannot know
whether the client still sends the body, and would read the body as a request or a request as the body.
"""

from collections.abc import Callable
from typing import Any, Final, cast

from aiohttp import HttpVersion11
from aiohttp.hdrs import EXPECT
from aiohttp.web import BaseRequest, HTTPExpectationFailed, Request, RequestKey

#: The header's value, until the client was told to continue; absent without the header.
EXPECTATION: Final = RequestKey("expectation", str)

_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"

RequestFactory = Callable[..., BaseRequest]


def without_expect(factory: RequestFactory) -> RequestFactory:
    """Wrap a request factory: move ``Expect`` from the headers to ``EXPECTATION``. HTTP/1.0 ignores it."""

    def make(message: Any, *rest: Any) -> BaseRequest:  # noqa: ANN401  # aiohttp's own arguments
        if (expected := message.headers.get(EXPECT)) is None:
            return factory(message, *rest)
        headers = message.headers.copy()
        del headers[EXPECT]
        request = cast(Request, factory(message._replace(headers=headers), *rest))
        if message.version >= HttpVersion11:
            request[EXPECTATION] = expected.lower()
        return request

    return make


def check(request: Request) -> None:
    """Raise HTTPExpectationFailed for any expectation but ``100-continue``."""
    if request.get(EXPECTATION, "100-continue") != "100-continue":
        raise HTTPExpectationFailed


async def send_continue(request: Request) -> None:
    """Send ``100 Continue`` to a client that waits for it."""
    if request.pop(EXPECTATION, None) and not request.content.is_eof():
        writer = cast(Any, request.writer)
        await writer.write(_CONTINUE)
        writer.output_size = 0  # the final answer has not begun


def is_waiting(request: Request) -> bool:
    """Return whether the client may still wait for ``100 Continue``."""
    return EXPECTATION in request and not request.content.is_eof()
