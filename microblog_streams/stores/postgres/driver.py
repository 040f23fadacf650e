"""A connection of aiopg with three defects fixed (aiopg 1.4.0).

**Sockets.** libpq closes its socket itself when a connection fails, and the next socket gets the same number. aiopg
notices only some of these cases. A connection refused during a write leaves a writer in the event loop, and the next
connection with that number cannot be watched (on asyncio's loop and on uvloop); a connection that is closed twice
removes the reader of another one. So the event loop watches a duplicate of the socket, which only we close, once.

**Reconnects within libpq.** If libpq starts over on another socket (without TLS, after a failed login with it), aiopg
keeps watching the old one, which never becomes ready: a wrong password looked like a server that is down.

**Cancellation.** aiopg waits for each statement with ``asyncio.wait_for``, which on Python 3.11 returns the answer to a
task that was cancelled as it arrived. The task continued: a relay that had lost the lead kept the leader's session, and
there was no leader.
"""

import asyncio
import os
from typing import Any, Final

from aiopg.connection import Connection
from psycopg2.extensions import QueryCanceledError, connection

#: psycopg2's status of a connection in the making; it has no constant for it.
_CONNECTING: Final = 20


class _OwnSocket(connection):
    """libpq's connection, whose ``fileno`` is a duplicate of its socket."""

    def fileno(self) -> int:
        """Return a new file descriptor, which the caller must close. aiopg calls this once."""
        return os.dup(super().fileno())


class Driver(Connection):
    """A connection that leaves nothing in the event loop, however it ends. Await it to connect."""

    def __init__(self, timeout: float, **target: Any) -> None:  # noqa: ANN401 -- what psycopg2.connect takes
        """Begin to connect; ``timeout`` (seconds) limits the connect and each statement."""
        self._is_closed = False
        super().__init__(None, timeout, enable_hstore=False, enable_json=False, connection_factory=_OwnSocket, **target)

    @staticmethod
    def _ready(weak_self: Any) -> None:  # noqa: ANN401 -- aiopg's own signature
        Connection._ready(weak_self)
        self = weak_self()
        if self is not None and self._conn.closed:
            self._close()
        elif self is not None and self._conn.status == _CONNECTING:
            self._follow()

    async def _poll(self, waiter: "asyncio.Future[None]", timeout: float) -> None:
        """Wait for the server's answer. Raises CancelledError, also if the server cancelled the statement."""
        self._ready(self._weakref)
        try:
            async with asyncio.timeout(timeout):
                await waiter
        except (asyncio.CancelledError, TimeoutError):
            self._close()
            raise
        except QueryCanceledError:
            raise asyncio.CancelledError from None
        finally:
            self._waiter = None

    def _follow(self) -> None:
        """Watch libpq's new socket if it has started over on another one."""
        watched = self._fileno
        try:
            current: int = self._conn.fileno()
        except OSError:
            return  # refused: libpq has closed the socket
        if watched is None or os.path.sameopenfile(current, watched):
            os.close(current)
            return
        self._loop.remove_reader(watched)
        if self._writing:
            self._loop.remove_writer(watched)
        os.close(watched)
        self._fileno = current
        self._loop.add_reader(current, self._ready, self._weakref)
        if self._writing:
            self._loop.add_writer(current, self._ready, self._weakref)

    def _close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            super()._close()
            if self._fileno is not None:
                os.close(self._fileno)
