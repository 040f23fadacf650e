"""A time by which something must have happened: begun when it is waited for, ended when it came."""

import asyncio
from collections.abc import Callable


class Deadline:
    """Calls once where it was begun and not ended within its time."""

    __slots__ = ("_call", "_handle", "_loop", "_seconds")

    def __init__(self, loop: asyncio.AbstractEventLoop, seconds: float, call: Callable[[], object]) -> None:
        """Take the time in seconds, and what is called when it is over. Nothing is begun yet."""
        self._loop = loop
        self._seconds = seconds
        self._call = call
        self._handle: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Let the time run, unless it does already: more bytes of the same thing are no more time."""
        if self._handle is None:
            self._handle = self._loop.call_later(self._seconds, self._over)

    def end(self) -> None:
        """It came, or is not waited for any more."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _over(self) -> None:
        self._handle = None
        self._call()
