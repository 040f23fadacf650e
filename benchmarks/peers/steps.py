"""The steps of a load, each in processes of its own: what is measured shares no interpreter with what measures it.

    python -m benchmarks.peers.steps < JOB

does one step: the job and the figures are JSON objects. A step is a list of items, each of which a free one of the
clients takes; clients are spread over the servers. Times are of ``time.monotonic``, which all processes share.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from itertools import cycle
from typing import Any, Final

import uvloop

from benchmarks.peers.contract import Caller, Server, Unfit, open_session
from benchmarks.peers.together import together

#: Seconds between looks at a timeline that does not have all its posts yet.
LOOK: Final = 0.05


async def arrive(caller: Caller, reader: int | str, wanted: Sequence[str], patience: float) -> int:
    """Read a timeline until its newest page has all that is wanted; return how many it lacks after ``patience`` s."""
    end = time.monotonic() + patience
    while lacking := len(set(wanted) - set(await caller.contents(reader))):
        if time.monotonic() > end:
            break
        await asyncio.sleep(LOOK)
    return lacking


STEPS: Final[dict[str, Callable[..., Awaitable[Any]]]] = {
    "register": Caller.register,
    "follow": Caller.follow,
    "post": Caller.post,
    "page": Caller.page,
    "arrive": arrive,
}


async def step(
    name: str, servers: Sequence[Server], items: Sequence[Sequence[Any]], clients: int, seconds: float
) -> dict[str, Any]:
    """Do a step with all items, or for so many seconds with one after the other, again and again.

    Return when it began and ended, the CPU seconds of this process, how many calls it made, and what came of the items,
    in their order. Raises Unfit.
    """
    work, count = STEPS[name], 0
    results: list[Any] = [None] * len(items)
    queue = enumerate(_until(time.monotonic() + seconds, cycle(items)) if seconds else items)

    async def one_client(caller: Caller) -> None:
        nonlocal count
        for place, item in queue:
            results[place % len(items)] = await work(caller, *item)
            count += 1

    async with open_session() as session:
        callers = [Caller(session, servers[number % len(servers)]) for number in range(clients)]
        begun, cpu = time.monotonic(), time.process_time()
        await together(one_client(caller) for caller in callers)
        ended = time.monotonic()
        spent = time.process_time() - cpu
    return {"begun": begun, "ended": ended, "cpu": spent, "count": count, "results": results}


def _until(end: float, items: Iterable[Any]) -> Iterator[Any]:
    for item in items:
        if time.monotonic() >= end:
            return
        yield item


def main() -> None:
    """Read a job, do it, print the figures, or why there are none."""
    job = json.load(sys.stdin)
    job["servers"] = [Server(**server) for server in job["servers"]]
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            print(json.dumps(runner.run(step(**job))))
    except Unfit as exc:
        print(json.dumps({"unfit": str(exc)}))


if __name__ == "__main__":
    main()
