"""Waking whoever waits for something to move, without spinning where it moves often and without missing that it did."""

import asyncio
import contextlib


class Notifier:
    """Something moved. A new event each time: one that stays set would turn waiting into spinning."""

    def __init__(self) -> None:
        """Nothing moved yet."""
        self._moved = asyncio.Event()

    def send(self) -> None:
        """Wake everybody who waits now."""
        self._moved.set()
        self._moved = asyncio.Event()

    async def wait(self, seconds: float | None = None) -> None:
        """Return when something moved, or after so many seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._moved.wait()
