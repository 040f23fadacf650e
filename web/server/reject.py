"""Connections that are not let in: told why, as they may be those of a client that means well, and not for long.

Closing at once would reset the connection, because the client's request lies unread in it, and the client would see no
reason. So it may stay a second, unless there are many of them already: whoever floods is not told anything. It is told
when it asks: a browser that opens a connection in advance would take an answer to nothing for that of its next request.
"""

import asyncio

from web.http.problems import Crowded
from web.middlewares.cors import CorsPolicy, origin_in
from web.server.connection_limits import ConnectionLimits
from web.server.early_responses import on_the_wire
from web.server.limits import FAREWELL


def turn_away(wire: asyncio.Transport, door: ConnectionLimits, sharing: CorsPolicy) -> None:
    """Take a connection from its protocol, and end it."""
    if door.begin_farewell():
        wire.set_protocol(Rejection(wire, door, sharing))
    else:
        wire.set_protocol(asyncio.Protocol())
        wire.abort()


class Rejection(asyncio.Protocol):
    """A connection that reads why it ends; what it sends is thrown away."""

    def __init__(self, wire: asyncio.Transport, door: ConnectionLimits, sharing: CorsPolicy) -> None:
        """Let the time run."""
        self._wire = wire
        self._door = door
        self._sharing = sharing
        self._told = False
        self._end = asyncio.get_running_loop().call_later(FAREWELL, wire.abort)

    def data_received(self, data: bytes) -> None:
        """Say why, once."""
        if self._told:
            return
        self._told = True
        self._wire.write(on_the_wire(Crowded, self._sharing.headers(origin_in(data))))
        if self._wire.can_write_eof():
            self._wire.write_eof()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Take note of the end."""
        self._end.cancel()
        self._door.end_farewell()
