"""Redis alone on a graph: each post's push to its author's followers, from a bare client.

    python -m benchmarks.bench.ceilings.deliveries FILE

``FILE`` is a JSON array of the receivers of each post. Prints the pushes a second.
"""

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import uvloop

from benchmarks.bench.ceilings.pushes import AUTHOR
from microblog_streams.config.settings import load_settings
from microblog_streams.domain.ids import encode_entry, new_post_id
from microblog_streams.stores.redis.connection import Redis
from microblog_streams.stores.redis.timelines import MAX_PUSH_CALLS, Timelines


async def deliveries(posts: Sequence[Sequence[int]]) -> dict[str, float]:
    """Push an entry of each post to its receivers; return how many a second."""
    redis = Redis(load_settings())
    await redis.connect()
    timelines, waiting = Timelines(redis), iter(posts)

    async def push() -> None:
        for receivers in waiting:
            await timelines.push(receivers, encode_entry(new_post_id(), AUTHOR))

    begun = perf_counter()
    await asyncio.gather(*(push() for _ in range(MAX_PUSH_CALLS)))
    seconds = perf_counter() - begun
    await redis.close()
    return {"rate": sum(map(len, posts)) / seconds}


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(deliveries(json.loads(Path(sys.argv[1]).read_text())))))
