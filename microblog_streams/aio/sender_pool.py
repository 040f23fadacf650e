"""A few tasks that send what waits: they begin when something comes, and end when nothing is left.

A sender counts until the very step in which it found nothing left. It once counted until the event loop told of its
end, a turn later: whoever came in between, while all senders were ending, had nobody to send for them, and waited
until somebody else came. Those who had just been answered came in between, as they went on with their next call.
"""

import asyncio
from collections.abc import Awaitable, Callable


class SenderPool:
    """Up to ``most`` tasks that all do the same."""

    def __init__(self, send: Callable[[], Awaitable[None]], most: int) -> None:
        """``send`` works until it finds nothing left, and then returns without awaiting anything more."""
        self._send = send
        self._most = most
        self._tasks: set[asyncio.Task[None] | None] = set()

    def wake(self) -> None:
        """See to it that what waits now is sent."""
        if len(self._tasks) < self._most:
            self._tasks.add(asyncio.create_task(self._run()))

    async def _run(self) -> None:
        try:
            await self._send()
        finally:
            self._tasks.discard(asyncio.current_task())
