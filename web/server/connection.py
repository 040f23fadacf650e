"""One connection: aiohttp's handler with deadlines, counters and checked message boundaries.

It limits the time for a request's head and for the client to read an answer. The time for a body and for the view is
limited by a middleware (``web.middlewares.stack``), because a request exists by then.
"""

import asyncio
import logging
import select
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, cast

from aiohttp.http import HttpRequestParser, RawRequestMessage
from aiohttp.http_exceptions import BadHttpMessage, HttpProcessingError
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.web import (
    BaseRequest,
    HTTPBadRequest,
    HTTPException,
    HTTPRequestHeaderFieldsTooLarge,
    HTTPRequestTimeout,
    Request,
    RequestHandler,
    RequestPayloadError,
    StreamResponse,
)
from aiohttp.web_protocol import MAX_MSG_QUEUE_SIZE, _ErrInfo

from microblog_streams.domain.errors import Invalid
from web.http.body import TooManyChunks
from web.middlewares.cors import CorsPolicy, find_origin
from web.server.connection_limits import ConnectionLimits, CutReason, address_key, reject
from web.server.early_responses import early_response, failure_response, render, to_http_error
from web.server.framing import ChunkedBody, FramingError, MessagePart, RequestHead, expected_body
from web.server.limits import MAX_HEAD_BYTES, Limits

if TYPE_CHECKING:
    from web.server.server import GuardedServer

log = logging.getLogger(__name__)

#: What poll() says of a connection whose other end was closed. Where a system has no such event, an end that was only
#: closed, and not reset, is not seen before it is read.
_LEFT: Final = getattr(select, "POLLRDHUP", 0)


class Deadline:
    """Calls a function once, unless it is ended within its time."""

    __slots__ = ("_call", "_handle", "_loop", "_seconds")

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float, call: Callable[[], object]) -> None:
        """``call`` runs ``seconds`` after ``begin``."""
        self._loop = loop
        self._seconds = seconds
        self._call = call
        self._handle: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Start the timer, unless it runs already: more bytes of the same message do not extend the deadline."""
        if self._handle is None:
            self._handle = self._loop.call_later(self._seconds, self._expire)

    def end(self) -> None:
        """Stop the timer."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _expire(self) -> None:
        self._handle = None
        self._call()


class GuardedHandler(RequestHandler):
    """A connection whose client must make progress."""

    __slots__ = (
        "_address",
        "_answered_body",
        "_body",
        "_broken",
        "_connection_limits",
        "_cors",
        "_flush_deadline",
        "_head_deadline",
        "_held",
        "_part",
        "_send_deadline",
        "_wire",
    )

    def __init__(
        self,
        server: "GuardedServer",
        connections: ConnectionLimits,
        limits: Limits,
        cors: CorsPolicy,
        **options: object,
    ) -> None:
        """``options`` are those of aiohttp's handler."""
        super().__init__(server, **options)  # type: ignore[arg-type]
        self._connection_limits = connections
        self._cors = cors
        self._address = ""
        #: The transport until it is lost; aiohttp drops its own reference when it begins to close.
        self._wire: asyncio.Transport | None = None
        #: The body of the newest request, which the parser fills.
        self._body: StreamReader = EMPTY_PAYLOAD
        #: The body of the request that was answered last; the rest of it may still arrive.
        self._answered_body: StreamReader = EMPTY_PAYLOAD
        #: The message part to which the next bytes belong.
        self._part: MessagePart = RequestHead()
        #: Received bytes that cannot be parsed yet, because the parser or the request queue is full.
        self._held = b""
        #: Whether invalid HTTP was received; no bytes after it are read.
        self._broken = False
        self._head_deadline = Deadline(self._loop, limits.head_seconds, self._on_late_head)
        self._send_deadline = Deadline(self._loop, limits.send_seconds, self._on_blocked_client)
        self._flush_deadline = Deadline(self._loop, limits.send_seconds, self._on_blocked_client)

    @property
    def is_receiving(self) -> bool:
        """Whether a request's body is arriving."""
        return not self._body.is_eof()

    @property
    def is_closing(self) -> bool:
        """Whether no further request is read."""
        return self._close or self._force_close

    @property
    def has_left(self) -> bool:
        """Whether the client has closed the connection, also if its end waits in the socket behind the request.

        aiohttp knows it only once that is read, which is after the request's view has begun.
        """
        if self._wire is None or self._wire.is_closing():
            return True
        ends = select.poll()
        ends.register(self._wire.get_extra_info("socket").fileno(), _LEFT)
        return bool(ends.poll(0))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Accept the connection, or reject it if there are too many."""
        wire = cast(asyncio.Transport, transport)
        address = address_key(wire.get_extra_info("peername"))
        if not self._connection_limits.enter(address):
            reject(wire, self._connection_limits, self._cors)
            return
        self._wire, self._address = wire, address
        super().connection_made(transport)
        self._head_deadline.begin()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Stop all timers and count the end."""
        for deadline in (self._head_deadline, self._send_deadline, self._flush_deadline):
            deadline.end()
        self._wire = None
        self._connection_limits.leave(self._address)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser message by message. aiohttp calls this without data when held bytes may be parsed."""
        if not data and not self._broken:
            self._feed(b"")
        data, self._held = self._held + data, b""
        while data and not self._broken and not self.is_closing:
            if self._must_wait():
                self._hold(data)
                return
            if isinstance(self._part, RequestHead) and not self._part.size and not (data := data.lstrip(b"\r\n")):
                return  # empty lines before a request do not belong to it
            try:
                end = self._part.consume(data)
            except BadHttpMessage as exc:
                self._refuse(exc)
                return
            self._feed(data[:end])
            data = data[end:]

    def pause_writing(self) -> None:
        """Start the deadline for the client to read."""
        super().pause_writing()
        self._send_deadline.begin()

    def resume_writing(self) -> None:
        """End the deadline: the client has read."""
        super().resume_writing()
        self._send_deadline.end()

    async def finish_response(
        self, request: BaseRequest, resp: StreamResponse, start_time: float | None
    ) -> tuple[StreamResponse, bool]:
        """Send the response; if the request asked for an upgrade and did not get it, parse what follows it."""
        paused = self._upgraded
        outcome = await super().finish_response(request, resp, start_time)
        self._answered_body = request.content
        if paused and not self._upgraded and not self._buffer_paused:
            self.data_received(b"")
        elif paused and not self._upgraded:
            self._resume_reading_if_drained()
        return outcome

    async def start(self) -> None:
        """Serve the connection's requests; then the client has the send deadline to read what is buffered."""
        try:
            await super().start()
        finally:
            if self._wire is not None and self._wire.get_write_buffer_size():
                self._flush_deadline.begin()

    def handle_error(
        self, request: BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> StreamResponse:
        """Answer invalid HTTP, and errors of our middlewares, with a problem document."""
        if request.writer.output_size > 0:
            raise ConnectionError("the response has already begun")
        if isinstance(exc, TooManyChunks):
            return early_response(Invalid("body", exc.message), self._cors.headers(self._origin()))
        if isinstance(exc, HttpProcessingError):
            error = to_http_error(exc)
            log.debug("request_malformed status=%d", error.status)
            return early_response(error, self._cors.headers(self._origin()))
        cors_headers = self._cors.headers(request.headers.get("Origin"))
        return failure_response(cast(Exception, exc or TimeoutError()), cast(Request, request), cors_headers)

    def _must_wait(self) -> bool:
        """Return whether received bytes must wait: for a body to be read, or for a request to be answered."""
        return self._reading_paused or self._upgraded or len(self._messages) >= MAX_MSG_QUEUE_SIZE

    def _hold(self, data: bytes) -> None:
        self._held = data
        if len(data) >= self._read_bufsize and not self._buffer_paused:
            self._pause_reading_for_buffer()

    def _feed(self, data: bytes) -> None:
        """Feed bytes of one message part to the parser, and compare its state with ours."""
        seen, part = self._request_count, self._part
        super().data_received(data)
        if self.is_closing:
            return
        parsed = self._request_count - seen
        if not isinstance(part, RequestHead):
            self._check_body(part, parsed)
        elif parsed:
            self._on_message(part)
        else:
            self._check_head(part)

    def _on_message(self, head: RequestHead) -> None:
        """Expect the body of the request that the parser found; stop reading if it found an error."""
        self._head_deadline.end()
        message, self._body = self._messages[-1]
        if not isinstance(message, RawRequestMessage):
            self._broken = True
            return
        try:
            if not head.complete:
                raise FramingError("the parser ended a head before its empty line")
            body = expected_body(message)
        except FramingError as exc:
            self._refuse(exc)
            return
        self._part = RequestHead() if self._body.is_eof() else body

    def _check_body(self, part: MessagePart, parsed: int) -> None:
        """Refuse the request if the parser sees another end of its body.

        ``parsed`` is how many messages the parser found in the part, those that are not HTTP included.
        """
        ended = self._body.is_eof()
        waits = self._reading_paused  # the parser holds what it has not read of the part
        if parsed or (ended and not part.complete) or (part.complete and not ended and not waits):
            for _ in range(parsed):
                self._messages.pop()
            self._refuse(FramingError("the parser sees another end of the body"))
        elif ended:
            self._on_body_end()

    def _on_body_end(self) -> None:
        if isinstance(self._part, ChunkedBody) and self._part.has_trailers:
            # As released, a parser keeps the last trailer and puts it before the next request's headers.
            self._parser = HttpRequestParser(
                self,
                self._loop,
                self._read_bufsize,
                max_line_size=self.max_line_size,
                max_field_size=self.max_field_size,
                max_headers=self.max_headers,
                payload_exception=RequestPayloadError,
                auto_decompress=False,
                max_msg_queue_size=MAX_MSG_QUEUE_SIZE,
            )
        self._part = RequestHead()

    def _check_head(self, head: RequestHead) -> None:
        if not head.size:
            return
        self._head_deadline.begin()
        if head.complete:
            self._stop_reading(HTTPBadRequest)  # the parser has not seen its end
        elif head.size > MAX_HEAD_BYTES:
            self._stop_reading(HTTPRequestHeaderFieldsTooLarge)

    def _on_late_head(self) -> None:
        self._connection_limits.cut[CutReason.HEAD] += 1
        has_begun = isinstance(self._part, RequestHead) and self._part.size
        self._stop_reading(HTTPRequestTimeout if has_begun else None)

    def _stop_reading(self, reason: type[HTTPException] | None) -> None:
        """Close the connection: after the requests in progress, or else at once, with ``reason`` as the answer."""
        self._head_deadline.end()
        if self._request_in_progress or self._messages:
            self.close()
            return
        if reason and self._wire is not None:
            self._wire.write(render(reason, self._cors.headers(self._origin())))
        self.force_close()

    def _refuse(self, error: BadHttpMessage) -> None:
        """Stop reading, because the end of the newest request's body is unknown; its answer ends the connection.

        As released, the view would wait for the body until its own deadline. A request that still waits in the queue is
        answered as invalid HTTP. One that was taken from it has a view that reads the body, or will in the loop's next
        turn: reading raises, because a body that only ends looks whole.
        """
        self._broken = True
        if self._messages and self._messages[-1][1] is self._body:
            self._messages[-1] = (_ErrInfo(400, error, error.message), EMPTY_PAYLOAD)
        else:
            self.close()
            if self._body is not self._answered_body and not self._body.is_eof():
                cause = error if isinstance(error, TooManyChunks) else RequestPayloadError(error.message)
                self._body.set_exception(cause)
        if not self._body.is_eof():
            self._body.feed_eof()

    def _origin(self) -> str | None:
        """Return the ``Origin`` in a head that cannot be read."""
        return find_origin(self._part.prefix) if isinstance(self._part, RequestHead) else None

    def _on_blocked_client(self) -> None:
        self._connection_limits.cut[CutReason.SEND] += 1
        if self._wire is not None:
            self._wire.abort()
