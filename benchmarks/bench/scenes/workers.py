"""What a worker costs beside others: idle, and of the deliveries that all of them make on the same cores.

More workers are no faster here, where two cores do everything; what shows is what each takes away. All rows come from
the changelog, so that partitions may go from one worker to another.
"""

import asyncio
import signal
from collections.abc import Sequence
from time import perf_counter
from typing import Final

from benchmarks.bars import counter
from benchmarks.bench.changelog import log
from benchmarks.bench.rows import Row, Target, growth
from benchmarks.bench.scenes.idle import cpu
from benchmarks.bench.setting import Setting, guest
from benchmarks.crowd import Crowd
from benchmarks.guests import Guest
from benchmarks.memory import memory
from benchmarks.produced import entries, new_posts, publish_posts, store_posts

#: Workers, authors, followers of each, and posts of each a round.
COUNTS, QUICK_COUNTS = (1, 2, 4), (1, 2)
AUTHORS, FOLLOWERS, POSTS, QUICK_POSTS = 32, 500, 60, 2
#: The most that an idle worker takes: % of a core, MiB. The least share of one worker's deliveries that is left.
IDLE, HELD, SHARE = Target(most=3), Target(most=200), 0.7
#: Seconds until a round's last post must be there.
_LOST: Final = 120.0


async def measure(at: Setting) -> list[Row]:
    """Return CPU and memory of an idle worker, and deliveries a second, beside so many workers."""
    crowds = await _crowds(at)
    workers, rows = [at.worker], list[Row]()
    rates: dict[str, list[float]] = {}
    counts = QUICK_COUNTS if at.quick else COUNTS
    with counter(at.on.stage.console, "numbers of workers", len(counts)) as one:
        for count in counts:
            await _until_so_many(at, workers, count)
            rows += await _idle(at, workers)
            rates[f"by {count}"] = [await _rate(at, crowds) for _ in range(at.rounds)]
            one()
    await asyncio.gather(*(worker.leave(signal.SIGTERM) for worker in workers[1:]))
    return [*rows, *growth("deliveries", "deliveries/s", rates, 0, least=SHARE)]


async def _crowds(at: Setting) -> list[Crowd]:
    """Have the worker read the followers of all authors from the changelog; they are the same people."""
    crowds = [Crowd(await at.client.register(), FOLLOWERS) for _ in range(AUTHORS)]
    await crowds[0].keep(at.on.redis)
    await at.worker.leave(signal.SIGTERM)
    for crowd in crowds:
        await log(at.on.stage.settings, crowd, at.partition(crowd.author))
    at.worker.lose_tables()
    await at.worker.join()
    return crowds


async def _until_so_many(at: Setting, workers: list[Guest], count: int) -> None:
    while len(workers) < count:
        workers.append(guest(at.on))
        await workers[-1].join()
    for worker in workers:
        await worker.owns()


async def _idle(at: Setting, workers: Sequence[Guest]) -> list[Row]:
    """Return what the workers take while there is nothing to do, a worker."""
    pids = {worker.name: worker.child.pid for worker in workers if worker.child}
    await asyncio.sleep(at.seconds)
    busy = await asyncio.gather(*(cpu(at, pid) for pid in pids.values()))
    held = [each["rss"] for each in memory(pids).values()]
    beside = f"an idle worker of {len(workers)}"
    return [Row(f"{beside}: CPU", "% of a core", busy, IDLE), Row(f"{beside}: memory", "MiB", held, HELD)]


async def _rate(at: Setting, crowds: Sequence[Crowd]) -> float:
    """Return deliveries a second, from the first post in Kafka until the last follower has the last of each author."""
    posts = at.size(POSTS, QUICK_POSTS)
    events = new_posts([crowd.author for crowd in crowds] * posts)
    await store_posts(at.on.stage.settings, at.on.redis, events)
    begun = perf_counter()
    await publish_posts(at.on.stage.settings, events)
    async with asyncio.timeout(_LOST):
        for entry in entries(events[-len(crowds) :]):
            await at.on.watch.until_there(crowds[0].people[-1], entry)
    return len(crowds) * posts * FOLLOWERS / (perf_counter() - begun)
