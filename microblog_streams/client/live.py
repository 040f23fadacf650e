"""Follows a timeline live: reads server-sent events, and comes back with the last id after a break.

The parser takes what the HTML Standard (section 9.2.6) allows, apart from a lone carriage return as the end of a line.
"""

import asyncio
import json
import random
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from pydantic import ValidationError

from microblog_streams.client.errors import (
    ApiError,
    BadAnswer,
    ErrorCallback,
    TooManyRequests,
    Unavailable,
    Unreachable,
)
from microblog_streams.client.models import Post, Request
from microblog_streams.client.transport import AuthenticatedTransport

#: Seconds without a byte after which a stream is taken for dead: the server sends a heartbeat every 15.
SILENCE_SECONDS: Final = 45.0
#: Seconds until the next attempt, unless the server says otherwise.
RETRY_SECONDS: Final = 3.0


@dataclass(frozen=True, slots=True)
class LiveEvent:
    """What happened to a timeline: ``kind`` is ``post``, ``delete`` or ``reset`` (read the page again)."""

    kind: str
    #: The position, with which ``Client.live`` goes on.
    id: str
    #: The post that arrived.
    post: Post | None = None
    #: The post that was deleted; it may be one that was not told.
    post_id: UUID | None = None


@dataclass
class LiveStream:
    """One timeline that is followed, over any number of connections."""

    transport: AuthenticatedTransport
    path: str
    last_id: str | None
    on_error: ErrorCallback
    _retry_seconds: float = RETRY_SECONDS

    async def events(self) -> AsyncGenerator[LiveEvent, None]:
        """Yield events without end. Raises errors that will not pass, such as Forbidden."""
        while True:
            pause = self._retry_seconds
            try:
                async with aclosing(self._connection()) as events:
                    async for event in events:
                        yield event
            except (TooManyRequests, Unavailable, Unreachable) as exc:
                self.on_error(exc)
                self.transport.retrying.leave()
                pause = (isinstance(exc, ApiError) and exc.problem.retry_after) or pause
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 -- jitter

    async def _connection(self) -> AsyncGenerator[LiveEvent, None]:
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": self.last_id} if self.last_id else {})
        lines = self.transport.stream(Request("GET", self.path, headers=headers), SILENCE_SECONDS)
        async with aclosing(lines):
            async for fields in blocks(lines):
                if fields.get("retry", "").isdecimal():
                    self._retry_seconds = int(fields["retry"]) / 1000
                if "data" in fields:
                    event = _event(fields)
                    self.last_id = event.id or self.last_id
                    yield event


async def blocks(lines: AsyncIterable[str]) -> AsyncIterator[dict[str, str]]:
    """Yield the fields of each block of lines, without comments; lines of the same field are joined."""
    fields: dict[str, str] = {}
    async for line in lines:
        if not line:
            yield fields
            fields = {}
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name:
            fields[name] = f"{fields[name]}\n{value}" if name == "data" and name in fields else value


def _event(fields: dict[str, str]) -> LiveEvent:
    kind, ident, data = fields.get("event", "message"), fields.get("id", ""), fields["data"]
    try:
        if kind == "post":
            return LiveEvent(kind, ident, post=Post.model_validate_json(data))
        if kind == "delete":
            return LiveEvent(kind, ident, post_id=UUID(json.loads(data)["id"]))
    except (ValidationError, ValueError, KeyError, TypeError):
        raise BadAnswer(f"an event {kind!r} of the stream is not what this API gives") from None
    return LiveEvent(kind, ident)
