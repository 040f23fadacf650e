"""One connection: aiohttp's, with a deadline for whatever is waited for, and counted at the door.

The deadline of a body and of the view behind it is a middleware's matter (``web.middlewares.stack``): there is a
request then.
"""

import asyncio
import logging
from typing import TYPE_CHECKING, cast

from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.web import (
    BaseRequest,
    HTTPException,
    HTTPRequestHeaderFieldsTooLarge,
    HTTPRequestTimeout,
    Request,
    RequestHandler,
    RequestPayloadError,
    StreamResponse,
)

from web.edge.deadline import Deadline
from web.edge.door import Cut, Door, counted_as
from web.edge.farewell import turn_away
from web.edge.limits import MAX_HEAD, Limits
from web.edge.refusals import failed, meaning, on_the_wire, refuse

if TYPE_CHECKING:
    from web.edge.server import GuardedServer

log = logging.getLogger(__name__)


class GuardedHandler(RequestHandler):
    """A connection that has to get on."""

    __slots__ = ("_address", "_body", "_door", "_flush", "_head", "_head_size", "_send", "_wire")

    def __init__(self, server: "GuardedServer", door: Door, limits: Limits, **options: object) -> None:
        """Take what aiohttp's takes as ``options``."""
        super().__init__(server, **options)  # type: ignore[arg-type]
        self._door = door
        self._address = ""
        #: The transport until it is lost; aiohttp forgets its own when it asks it to close.
        self._wire: asyncio.Transport | None = None
        #: What the parser fills at present: the body of the newest request.
        self._body: StreamReader = EMPTY_PAYLOAD
        #: Bytes that came of a head that is not complete.
        self._head_size = 0
        self._head = Deadline(self._loop, limits.head, self._head_is_late)
        self._send = Deadline(self._loop, limits.send, self._nobody_reads)
        self._flush = Deadline(self._loop, limits.send, self._nobody_reads)

    @property
    def receiving(self) -> bool:
        """Whether a request's body is on its way."""
        return not self._body.is_eof()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let the connection in, or have it told why not."""
        wire = cast(asyncio.Transport, transport)
        address = counted_as(wire.get_extra_info("peername"))
        if not self._door.enter(address):
            turn_away(wire, self._door)
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
        """Take what came; a head must be complete in time."""
        seen, body = self._request_count, self._body
        super().data_received(data)
        if self._messages:
            self._body = self._messages[-1][1]
        if seen != self._request_count:
            self._head_came()
            if not body.is_eof():
                self._body_broke(body)
        elif data and body.is_eof():
            self._head_goes_on(len(data))

    def pause_writing(self) -> None:
        """Wait for the client to read."""
        super().pause_writing()
        self._send.begin()

    def resume_writing(self) -> None:
        """Go on: the client has read."""
        super().resume_writing()
        self._send.end()

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
        if isinstance(exc, HttpProcessingError):
            log.debug("request_malformed status=%d", meaning(exc).status)
            return refuse(meaning(exc))
        return failed(cast(Exception, exc or TimeoutError()), cast(Request, request))

    def _head_came(self) -> None:
        self._head_size = 0
        self._head.end()

    def _head_goes_on(self, size: int) -> None:
        self._head.begin()
        self._head_size += size
        if self._head_size > MAX_HEAD:
            self._give_up(HTTPRequestHeaderFieldsTooLarge)

    def _head_is_late(self) -> None:
        self._door.cut[Cut.HEAD] += 1
        self._give_up(HTTPRequestTimeout if self._head_size else None)

    def _give_up(self, reason: type[HTTPException] | None) -> None:
        """Read nothing more; finish what is under way, or else say why, and close."""
        self._head.end()
        if self._request_in_progress or self._messages:
            self.close()
            return
        if reason and self._wire is not None:
            self._wire.write(on_the_wire(reason))
        self.force_close()

    def _body_broke(self, body: StreamReader) -> None:
        """Tell the view that waits for a body which is not framed as it should be; the connection ends with its answer.

        As released the view waits on, until its own time is over.
        """
        self.close()
        self._messages.pop()
        if self._request_in_progress:
            body.set_exception(RequestPayloadError("the body is not framed as its headers say"))
        body.feed_eof()

    def _nobody_reads(self) -> None:
        self._door.cut[Cut.SEND] += 1
        if self._wire is not None:
            self._wire.abort()
