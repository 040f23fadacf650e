"""Working ahead: a few calls of a sequence under way at a time, and none left behind at its end.

Reading what comes next and sending what was read alternate otherwise, and each waits for the other.
"""

import asyncio
from collections import deque
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self


class BoundedPipeline:
    """Up to ``most`` calls at a time, to be used as a context manager.

    Its end waits for all of them, also beside one that failed, whose error it raises; none of them goes on after it. A
    cancellation cancels them.
    """

    def __init__(self, most: int) -> None:
        """Begin with none."""
        self._most = most
        self._calls: deque[asyncio.Task[Any]] = deque()
        #: How many were begun.
        self.begun = 0

    async def begin(self, call: Coroutine[Any, Any, Any]) -> None:
        """Begin a call, then wait until another may begin. Raises the error of the oldest, which it waited for."""
        self.begun += 1
        self._calls.append(asyncio.create_task(call))
        if len(self._calls) == self._most:
            await self._calls.popleft()

    async def __aenter__(self) -> Self:
        """Return itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for the calls under way. Raises the first error among them, unless one is on its way already."""
        if isinstance(error, asyncio.CancelledError):
            for call in self._calls:
                call.cancel()
        ended = await asyncio.gather(*self._calls, return_exceptions=True)
        failed = [outcome for outcome in ended if isinstance(outcome, BaseException)]
        if failed and error is None:
            raise failed[0]
