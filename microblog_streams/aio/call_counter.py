"""Calls of a store that are under way, counted, so that a close can wait for them.

Connections that are closed under a call are opened anew by it, or by the call that waits for one, and then nobody
closes them; and redis-py raises an AttributeError where its connection is closed while it waits for an answer.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class CallCounter:
    """How many calls there are. Each has a time-out of its own."""

    def __init__(self) -> None:
        """Begin with none."""
        self._count = 0
        self._none = asyncio.Event()
        self._none.set()

    @contextmanager
    def call(self) -> Iterator[None]:
        """Count a call for as long as it lasts."""
        self._count += 1
        self._none.clear()
        try:
            yield
        finally:
            self._count -= 1
            if not self._count:
                self._none.set()

    async def ended(self, seconds: float) -> None:
        """Wait until there is none, and so many seconds at most: a library may lose a cancellation."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._none.wait()
