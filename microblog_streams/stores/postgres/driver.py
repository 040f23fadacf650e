"""aiopg's connection, with its socket's place in the event loop mended (aiopg 1.4.0).

libpq closes its socket by itself when a connection fails, and the number of the socket goes to the next one that is
opened. aiopg notices only some of that: a connection refused while it was written to leaves a writer behind, and the
next connection with that number cannot be watched any more, on asyncio's loop as on uvloop; a connection that is
closed twice takes the reader of another one away. So the event loop watches a duplicate of the socket, which stays
until we close it, once. And where libpq begins anew on another socket (without TLS, after a login that failed with it),
aiopg goes on watching the old one, to which nothing ever happens: a wrong password looked like a server that is away.

aiopg waits for each statement with ``asyncio.wait_for``, which on Python 3.11 returns the answer to a task that was
cancelled as it came. The task went on: a relay that had lost the lead kept the leader's session, and nobody led.
"""

import asyncio
import os
from typing import Any, Final

from aiopg.connection import Connection
from psycopg2.extensions import QueryCanceledError, connection

#: psycopg2's status of a connection that is being made; it has no name for it.
_CONNECTING: Final = 20


class _OwnSocket(connection):
    """libpq's connection; asked for its socket, it gives away a duplicate."""

    def fileno(self) -> int:
        """Return a new file descriptor, for the caller to close. aiopg asks once."""
        return os.dup(super().fileno())


class Driver(Connection):
    """A connection that leaves nothing in the event loop when it ends, however it ends. Await it to connect."""

    def __init__(self, timeout: float, **target: Any) -> None:  # noqa: ANN401 -- what psycopg2.connect takes
        """Begin to connect; ``timeout`` (seconds) is the limit of this and of each statement."""
        self._let_go = False
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
        """Wait until the server has answered. Raises CancelledError, also where the server cancelled the statement."""
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
        """Watch libpq's socket where it has begun anew on another one."""
        watched = self._fileno
        try:
            current: int = self._conn.fileno()
        except OSError:
            return  # refused: libpq has closed it, and there is no other
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
        if not self._let_go:
            self._let_go = True
            super()._close()
            if self._fileno is not None:
                os.close(self._fileno)
