"""Brings the answer of a callback driver, which comes on one of its threads, to a task that waits in the event loop."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

Result = TypeVar("Result")


class ThreadFuture(Generic[Result]):
    """One answer on its way: ``answered`` or ``failed`` is called from any thread, ``result`` is awaited.

    ``done`` is called once in the loop when the answer is there, also where whoever waited has left. The first answer
    counts: a driver that asked two nodes also brings the one that was overtaken.
    """

    def __init__(self, done: Callable[[], None]) -> None:
        """Belong to the running loop."""
        self._loop = asyncio.get_running_loop()
        self._done = done
        self._settled = False
        self.result: asyncio.Future[Result | None] = self._loop.create_future()

    def answered(self, result: Result | None) -> None:
        """Hand over a result."""
        self._hand_over(result, None)

    def failed(self, error: Exception) -> None:
        """Hand over an error."""
        self._hand_over(None, error)

    def _hand_over(self, result: Result | None, error: Exception | None) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody is left to tell
            self._loop.call_soon_threadsafe(self._settle, result, error)

    def _settle(self, result: Result | None, error: Exception | None) -> None:
        if self._settled:
            return
        self._settled = True
        self._done()
        if self.result.done():
            return
        if error is None:
            self.result.set_result(result)
        else:
            self.result.set_exception(error)
