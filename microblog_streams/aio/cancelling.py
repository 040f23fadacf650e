"""Ending tasks that libraries run in.

A cancellation is lost now and then, and the task goes on: ``asyncio.wait_for`` of Python 3.11 returns the result where
that came in the same moment, and aiopg waits so for every statement; aiokafka loses one where its client is cancelled
while it closes. Whoever cancels a task once and waits for its end may wait for ever.
"""

import asyncio
from collections.abc import Collection
from typing import Any, Final

#: Seconds between one cancellation and the next.
AGAIN_SECONDS: Final = 0.5


async def cancel_all(tasks: "Collection[asyncio.Future[Any]]") -> None:
    """Cancel tasks, again and again until each has ended. How they ended is for whoever asks them, if anybody does."""
    pending = {task for task in tasks if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=AGAIN_SECONDS)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # asked for, or asyncio complains that nobody did
