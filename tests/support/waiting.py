"""Waiting for a condition with a deadline, in place of sleeping for a time."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable

#: Seconds within which what must happen has happened, also on one core beside a dozen busy processes, where a worker's
#: start takes two minutes. Where all is well nothing takes longer for it.
DEADLINE_SECONDS = 240.0
#: The time-out of a store's calls (seconds), for tests that are not about it.
PATIENT_SECONDS = 30.0


async def until(condition: Callable[[], object | Awaitable[object]], seconds: float = DEADLINE_SECONDS) -> None:
    """Return once the condition holds (it may be async); fail the test where it does not within ``seconds``."""
    deadline = time.monotonic() + seconds
    while not await _outcome(condition()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s"
        await asyncio.sleep(0.01)


async def _outcome(result: object | Awaitable[object]) -> object:
    return await result if inspect.isawaitable(result) else result
