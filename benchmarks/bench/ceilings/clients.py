"""So many clients, each with one call at a time, for so many seconds: how a ceiling that is calls is measured."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine
from time import perf_counter
from typing import Any, Final

import uvloop

#: Clients, seconds in which nothing counts, and seconds that count.
CLIENTS, WARM_UP, SECONDS = 32, 0.3, 1.5

Call = Callable[[], Awaitable[object]]
Rates = dict[str, float]
#: The names under which a ceiling prints what the bare part can do, and what our code around it can.
BARE: Final = "bare"
OURS: Final = "ours"


async def rate(call: Call) -> float:
    """Return how many calls a second are answered. Raises what a call raises."""
    await _answered(call, WARM_UP)
    begun = perf_counter()
    return await _answered(call, SECONDS) / (perf_counter() - begun)


async def _answered(call: Call, seconds: float) -> int:
    end, answered = perf_counter() + seconds, 0

    async def one_client() -> None:
        nonlocal answered
        while perf_counter() < end:
            await call()
            answered += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(CLIENTS):
            group.create_task(one_client())
    return answered


def report(measure: Coroutine[Any, Any, Rates]) -> None:
    """Measure, and print one JSON object."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(measure)))
