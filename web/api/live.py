"""Live timelines: what arrives, as server-sent events (HTML Standard, section 9.2), until the client leaves.

An event's id is a position in the order of arrival, which is not the order of posts: a post that took long to be
delivered arrives below newer ones. A client that comes back with the last id (browsers send ``Last-Event-ID``) gets
what it missed. Where that is not known, and at the start, the event ``reset`` says: read the page.

Nothing waits here but what fits the socket: a client that does not read is cut off by the server's deadline for
sending, or as soon as too many events wait for it.
"""

import asyncio
import random
from collections.abc import Iterable, Sequence
from time import monotonic
from typing import Final

from aiohttp.web import Request, StreamResponse
from pydantic_core import to_json

from microblog_streams.domain.errors import Busy, NotFound, TooManyStreams
from microblog_streams.domain.ids import PUBLIC
from microblog_streams.logs.context import request_id
from microblog_streams.operations.timelines.live import LiveEvent, Reader
from microblog_streams.ports.live import Change
from web.api import schemas
from web.api.view import Access, View, endpoint
from web.http.authorization import caller, reader, require_user
from web.http.params import last_event_id, user_id
from web.middlewares.authentication import is_still_valid
from web.middlewares.cors import EARLY_HEADERS
from web.middlewares.request_ids import HEADER as REQUEST_ID_HEADER

MEDIA_TYPE: Final = "text/event-stream"
#: Seconds of silence after which a comment is sent; and of any stream until the caller's token is looked at again.
HEARTBEAT_SECONDS: Final = 15.0
HEARTBEAT: Final = b": heartbeat\n\n"
#: Milliseconds after which a browser comes back, drawn for each stream: so a restart brings no herd.
RETRY_MS: Final = (1_000, 5_000)
#: No cache and no proxy keeps or changes a stream (nginx buffers responses unless told not to).
_HEADERS: Final = {
    "Content-Type": f"{MEDIA_TYPE}; charset=utf-8",
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",
    "X-Content-Type-Options": "nosniff",
}
_RESET: Final = b"{}"


class LiveTimeline(View):
    """A user's home timeline, live."""

    @endpoint(
        "followTimeline",
        str,
        media_type=MEDIA_TYPE,
        access=Access.OWNER,
        query=("last_event_id",),
        raises=(NotFound, Busy, TooManyStreams),
    )
    async def get(self, request: Request, user: str) -> StreamResponse:
        """Follow the caller's home timeline: server-sent events, without end.

        Events: `post` (as an item of the timeline), `delete` (`{"id": …}`) and `reset` (read the page again). Send the
        last event's id as `Last-Event-ID` to go on after a break.
        """
        ident = user_id(user)
        require_user(request, ident)
        await self.operations.users.require(ident)
        return await stream(self, request, ident)


class LivePublicTimeline(View):
    """The posts of everybody, live."""

    @endpoint(
        "followPublicTimeline",
        str,
        media_type=MEDIA_TYPE,
        query=("last_event_id",),
        raises=(Busy, TooManyStreams),
    )
    async def get(self, request: Request) -> StreamResponse:
        """Follow the public timeline: server-sent events, without end, as of a home timeline.

        Posts of users who block the caller, or whom the caller blocks, are left out.
        """
        return await stream(self, request, PUBLIC)


async def stream(view: View, request: Request, user: int) -> StreamResponse:
    """Send a timeline's events until the client leaves, its token ends, or the worker stops."""
    position = last_event_id(request)
    response = StreamResponse(headers=_HEADERS | request.get(EARLY_HEADERS, {}) | {REQUEST_ID_HEADER: request_id.get()})
    if request.method == "HEAD":
        await response.prepare(request)
        return response
    async with view.operations.live.follow(user, position, reader(request)) as waiting:
        try:
            await response.prepare(request)
            await response.write(b"retry: %d\n\n" % random.randint(*RETRY_MS))  # noqa: S311 -- no secret
            await _send_events(view, request, response, waiting)
            await response.write_eof()
        except ConnectionError:
            pass  # the client has left
    return response


async def _send_events(view: View, request: Request, response: StreamResponse, waiting: Reader) -> None:
    checked_at = monotonic()
    while (events := await _next(waiting)) is not None:
        changed = any(event.change is Change.ACCESS for event in events)
        if not events or changed or monotonic() - checked_at >= HEARTBEAT_SECONDS:
            if not await _may_go_on(view, request, changed):
                return
            checked_at = monotonic()
        await response.write(encoded(events) or HEARTBEAT)


async def _next(waiting: Reader) -> Sequence[LiveEvent] | None:
    """Return the events that wait, none after a while of silence, and None where the stream ends."""
    try:
        async with asyncio.timeout(HEARTBEAT_SECONDS):
            return await waiting.next()
    except TimeoutError:
        return ()


async def _may_go_on(view: View, request: Request, changed: bool) -> bool:
    """Return whether the token is still valid; PostgreSQL is asked where a token of the user's was revoked."""
    if changed and (who := caller(request)):
        view.operations.tokens.forget(who.user)
    return await is_still_valid(request)


def encoded(events: Iterable[LiveEvent]) -> bytes:
    """Return events as they are sent."""
    return b"".join(
        b"event: %b\nid: %b\ndata: %b\n\n" % (_NAMES[event.change], event.position.encode(), _data(event))
        for event in events
        if event.change in _NAMES
    )


_NAMES: Final = {Change.POST: b"post", Change.DELETE: b"delete", Change.RESET: b"reset"}


def _data(event: LiveEvent) -> bytes:
    if event.post is not None:
        return schemas.post_json(event.post)
    return _RESET if event.post_id is None else to_json({"id": str(event.post_id)})
