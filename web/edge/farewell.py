"""Connections that are not let in: told why, as they may be those of a client that means well, and not for long.

Closing at once would reset the connection, because the client's request lies unread in it, and the client would see no
reason. So it may stay a second, unless there are many of them already: whoever floods is not told anything.
"""

import asyncio

from web.edge.door import Door
from web.edge.limits import FAREWELL
from web.edge.refusals import on_the_wire
from web.problems import Crowded


def turn_away(wire: asyncio.Transport, door: Door) -> None:
    """Take a connection from its protocol, and end it."""
    if door.begin_farewell():
        wire.set_protocol(Farewell(wire, door))
    else:
        wire.set_protocol(asyncio.Protocol())
        wire.abort()


class Farewell(asyncio.Protocol):
    """A connection that reads why it ends; what it sends is thrown away."""

    def __init__(self, wire: asyncio.Transport, door: Door) -> None:
        """Say why, and let the time run."""
        self._door = door
        self._end = asyncio.get_running_loop().call_later(FAREWELL, wire.abort)
        wire.write(on_the_wire(Crowded))
        if wire.can_write_eof():
            wire.write_eof()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Take note of the end."""
        self._end.cancel()
        self._door.end_farewell()
