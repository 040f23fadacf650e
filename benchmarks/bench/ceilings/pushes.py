"""Redis alone: the same Lua function and batches from a bare client, to the timelines of a crowd.

    python -m benchmarks.bench.ceilings.pushes FIRST COUNT [STEP]

STEP is from id to id. Prints the pushes a second. Nothing is scanned, checked or acknowledged.
"""

import asyncio
import json
import sys
from collections.abc import Iterator
from itertools import islice
from time import perf_counter
from typing import Final

import uvloop

from microblog_streams.config.settings import load_settings
from microblog_streams.domain.ids import encode_entry, new_post_id
from microblog_streams.stores.redis.connection import Redis
from microblog_streams.stores.redis.timelines import MAX_PUSH_CALLS, TIMELINES_PER_CALL, Timelines

#: The author's id, which no user has.
AUTHOR: Final = 999_999_999


async def pushes(first: int, count: int, step: int = 1) -> dict[str, float]:
    """Push one entry into ``count`` timelines; return how many took it, and how many a second."""
    redis = Redis(load_settings())
    await redis.connect()
    timelines, entry = Timelines(redis), encode_entry(new_post_id(), AUTHOR)
    people = iter(range(first, first + count * step, step))
    batches: Iterator[list[int]] = iter(lambda: list(islice(people, TIMELINES_PER_CALL)), [])
    taken = 0

    async def push() -> None:
        nonlocal taken
        for batch in batches:
            pushed = await timelines.push(batch, entry)
            taken += pushed  # not in one step with the wait, during which the others add theirs

    begun = perf_counter()
    await asyncio.gather(*(push() for _ in range(MAX_PUSH_CALLS)))
    seconds = perf_counter() - begun
    await redis.close()
    return {"taken": taken, "rate": taken / seconds}


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(pushes(*map(int, sys.argv[1:])))))
