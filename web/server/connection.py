"""One connection: aiohttp's, with a deadline for whatever is waited for, and counted at the door.

The deadline of a body and of the view behind it is a middleware's matter (``web.middlewares.stack``): there is a
request then.
"""

import asyncio
import logging
from typing import TYPE_CHECKING, cast

from aiohttp.http import HttpRequestParser, RawRequestMessage
from aiohttp.http_exceptions import HttpProcessingError
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
from web.middlewares.cors import CorsPolicy, origin_in
from web.server.connection_limits import ConnectionLimits, Cut, counted_as
from web.server.deadline import Deadline
from web.server.early_responses import failed, meaning, on_the_wire, refuse
from web.server.framing import Chunks, Head, Part, TooManyChunks, Unframed, body_of
from web.server.limits import MAX_HEAD, Limits
from web.server.reject import turn_away

if TYPE_CHECKING:
    from web.server.server import GuardedServer

log = logging.getLogger(__name__)


class GuardedHandler(RequestHandler):
    """A connection that has to get on."""

    __slots__ = (
        "_address",
        "_body",
        "_broken",
        "_door",
        "_flush",
        "_head",
        "_held",
        "_part",
        "_send",
        "_sharing",
        "_wire",
    )

    def __init__(
        self, server: "GuardedServer", door: ConnectionLimits, limits: Limits, sharing: CorsPolicy, **options: object
    ) -> None:
        """Take what aiohttp's takes as ``options``."""
        super().__init__(server, **options)  # type: ignore[arg-type]
        self._door = door
        self._sharing = sharing
        self._address = ""
        #: The transport until it is lost; aiohttp forgets its own when it asks it to close.
        self._wire: asyncio.Transport | None = None
        #: What the parser fills at present: the body of the newest request.
        self._body: StreamReader = EMPTY_PAYLOAD
        #: What the next bytes belong to.
        self._part: Part = Head()
        #: Bytes that came and cannot be read yet, because the parser or the queue of requests is full.
        self._held = b""
        #: Whether something came that is no HTTP; nothing behind it is read.
        self._broken = False
        self._head = Deadline(self._loop, limits.head, self._head_is_late)
        self._send = Deadline(self._loop, limits.send, self._nobody_reads)
        self._flush = Deadline(self._loop, limits.send, self._nobody_reads)

    @property
    def receiving(self) -> bool:
        """Whether a request's body is on its way."""
        return not self._body.is_eof()

    @property
    def closing(self) -> bool:
        """Whether no request is read any more."""
        return self._close or self._force_close

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let the connection in, or have it told why not."""
        wire = cast(asyncio.Transport, transport)
        address = counted_as(wire.get_extra_info("peername"))
        if not self._door.enter(address):
            turn_away(wire, self._door, self._sharing)
            return
        self._wire, self._address = wire, address
        super().connection_made(transport)
        self._head.begin()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Take note of the end."""
        for deadline in (self._head, self._send, self._flush):
            deadline.end()
        self._wire = None
        self._door.leave(self._address)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came, message by message. aiohttp calls this without data when it can go on with what it has."""
        if not data and not self._broken:
            self._feed(b"")
        data, self._held = self._held + data, b""
        while data and not self._broken and not self.closing:
            if self._full():
                self._hold(data)
                return
            if isinstance(self._part, Head) and not self._part.size and not (data := data.lstrip(b"\r\n")):
                return  # empty lines in front of a request are none of it
            try:
                end = self._part.take(data)
            except Unframed as exc:
                self._refuse(exc)
                return
            self._feed(data[:end])
            data = data[end:]

    def pause_writing(self) -> None:
        """Wait for the client to read."""
        super().pause_writing()
        self._send.begin()

    def resume_writing(self) -> None:
        """Go on: the client has read."""
        super().resume_writing()
        self._send.end()

    async def finish_response(
        self, request: BaseRequest, resp: StreamResponse, start_time: float | None
    ) -> tuple[StreamResponse, bool]:
        """Answer; then go on behind a request that asked for another protocol, and did not get it."""
        paused = self._upgraded
        outcome = await super().finish_response(request, resp, start_time)
        if paused and not self._upgraded and not self._buffer_paused:
            self.data_received(b"")
        elif paused and not self._upgraded:
            self._resume_reading_if_drained()
        return outcome

    async def start(self) -> None:
        """Serve the connection's requests; then what is left to be sent must be taken in time."""
        try:
            await super().start()
        finally:
            if self._wire is not None and self._wire.get_write_buffer_size():
                self._flush.begin()

    def handle_error(
        self, request: BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> StreamResponse:
        """Answer what is no HTTP, and, should it ever come so far, what a middleware of ours did wrong."""
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has begun already")
        if isinstance(exc, TooManyChunks):
            return refuse(Invalid("body", exc.message), self._sharing.headers(self._origin()))
        if isinstance(exc, HttpProcessingError):
            log.debug("request_malformed status=%d", meaning(exc).status)
            return refuse(meaning(exc), self._sharing.headers(self._origin()))
        shared = self._sharing.headers(request.headers.get("Origin"))
        return failed(cast(Exception, exc or TimeoutError()), cast(Request, request), shared)

    def _full(self) -> bool:
        """Return whether what came must wait: for a body to be read, or for a request to be answered."""
        return self._reading_paused or self._upgraded or len(self._messages) >= MAX_MSG_QUEUE_SIZE

    def _hold(self, data: bytes) -> None:
        self._held = data
        if len(data) >= self._read_bufsize and not self._buffer_paused:
            self._pause_reading_for_buffer()

    def _feed(self, data: bytes) -> None:
        """Give a part to the parser, and see what it made of it."""
        seen, part = self._request_count, self._part
        super().data_received(data)
        if self.closing:
            return
        came = self._request_count - seen
        if not isinstance(part, Head):
            self._body_goes_on(part, came)
        elif came:
            self._message_came(part)
        else:
            self._head_goes_on(part)

    def _message_came(self, head: Head) -> None:
        """Expect a request's body; or end with what is no request."""
        self._head.end()
        message, self._body = self._messages[-1]
        if not isinstance(message, RawRequestMessage):
            self._broken = True
            return
        try:
            if not head.complete:
                raise Unframed("the parser ended a head in front of its empty line")
            body = body_of(message)
        except Unframed as exc:
            self._refuse(exc)
            return
        self._part = Head() if self._body.is_eof() else body

    def _body_goes_on(self, part: Part, came: int) -> None:
        """See whether the parser agrees where the body ends. ``came`` counts messages: what is no HTTP is one, too."""
        ended = self._body.is_eof()
        waits = self._reading_paused  # the parser keeps what it has not read of the part
        if came or (ended and not part.complete) or (part.complete and not ended and not waits):
            for _ in range(came):
                self._messages.pop()
            self._refuse(Unframed("the parser sees another end of the body"))
        elif ended:
            self._body_came()

    def _body_came(self) -> None:
        if isinstance(self._part, Chunks) and self._part.trailers:
            # As released, a parser keeps the last trailer, and puts it in front of the next request's headers.
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
        self._part = Head()

    def _head_goes_on(self, head: Head) -> None:
        if not head.size:
            return
        self._head.begin()
        if head.complete:
            self._give_up(HTTPBadRequest)  # the parser has not seen its end
        elif head.size > MAX_HEAD:
            self._give_up(HTTPRequestHeaderFieldsTooLarge)

    def _head_is_late(self) -> None:
        self._door.cut[Cut.HEAD] += 1
        begun = isinstance(self._part, Head) and self._part.size
        self._give_up(HTTPRequestTimeout if begun else None)

    def _give_up(self, reason: type[HTTPException] | None) -> None:
        """Read nothing more; finish what is under way, or else say why, and close."""
        self._head.end()
        if self._request_in_progress or self._messages:
            self.close()
            return
        if reason and self._wire is not None:
            self._wire.write(on_the_wire(reason, self._sharing.headers(self._origin())))
        self.force_close()

    def _refuse(self, error: Unframed) -> None:
        """Read nothing more: it is not known where the newest request's body ends. The connection ends with its answer.

        As released the view waits on for the body, until its own time is over. A request that no view has begun with is
        answered as what is no HTTP is.
        """
        self._broken = True
        if self._messages and self._messages[-1][1] is self._body:
            self._messages[-1] = (_ErrInfo(400, error, error.message), EMPTY_PAYLOAD)
        else:
            self.close()
            if self._request_in_progress and not self._body.is_eof():
                told = error if isinstance(error, TooManyChunks) else RequestPayloadError(error.message)
                self._body.set_exception(told)
        if not self._body.is_eof():
            self._body.feed_eof()

    def _origin(self) -> str | None:
        """Return where the page is from that sent the head which cannot be read."""
        return origin_in(self._part.begin) if isinstance(self._part, Head) else None

    def _nobody_reads(self) -> None:
        self._door.cut[Cut.SEND] += 1
        if self._wire is not None:
            self._wire.abort()
