"""Waiting for a condition with a deadline, in place of sleeping for a time."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable


async def until(condition: Callable[[], object | Awaitable[object]], seconds: float = 20.0) -> None:
    """Return once the condition holds (it may be async); fail the test where it does not within ``seconds``."""
    deadline = time.monotonic() + seconds
    while not await _outcome(condition()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s"
        await asyncio.sleep(0.01)


async def _outcome(result: object | Awaitable[object]) -> object:
    return await result if inspect.isawaitable(result) else result
