"""A worker that has nothing to do, and what it and a full timeline take of memory."""

import asyncio
from typing import Final

import psutil

from benchmarks.bench.rows import Row, Target
from benchmarks.bench.setting import Setting
from benchmarks.crowd import Crowd
from benchmarks.memory import memory
from microblog_streams.domain.ids import encode_entry, new_post_id
from microblog_streams.stores.redis.timelines import KEPT_ENTRIES, Timelines, key

EDGES, QUICK_EDGES = 5_000_000, 50_000
#: A user whose timeline is filled.
READER: Final = 2_000_000_000


async def measure(at: Setting) -> list[Row]:
    """Return CPU, memory of the worker with many edges in its tables, and of a full timeline in Redis."""
    crowd = Crowd(await at.client.register(), at.size(EDGES, QUICK_EDGES))
    await at.follow(crowd)
    await asyncio.sleep(at.seconds)
    busy = [await cpu(at, at.pid) for _ in range(at.rounds)]
    held = memory({"worker": at.pid})["worker"]["rss"]
    return [
        Row("an idle worker's CPU", "% of a core", busy, Target(most=3)),
        Row(f"worker memory with {crowd.count:,} edges in its tables", "MiB", [held], Target(most=350)),
        Row("a full warm timeline in Redis", "KiB", [await _full(at)], Target(most=22)),
    ]


async def cpu(at: Setting, pid: int) -> float:
    """Return the % of a core that a process takes in the time of a round."""
    process = psutil.Process(pid)
    process.cpu_percent()
    await asyncio.sleep(at.seconds)
    return process.cpu_percent()


async def _full(at: Setting) -> float:
    timelines = Timelines(at.on.redis)
    await timelines.create(READER)
    for _ in range(KEPT_ENTRIES):
        await timelines.push([READER], encode_entry(new_post_id(), READER))
    return int(await at.on.redis.client.memory_usage(key(READER), samples=0) or 0) / 1024
