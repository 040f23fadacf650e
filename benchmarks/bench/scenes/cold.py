"""Cold timelines: read until the page is whole, after the kept list was removed."""

import asyncio
from collections.abc import Callable
from time import perf_counter
from typing import Final

from benchmarks.bars import counter
from benchmarks.bench.rows import Row, Target
from benchmarks.bench.setting import Setting
from benchmarks.figures import percentile
from benchmarks.followees import follow_many
from microblog_streams.stores.redis.timelines import Timelines

#: Followees, their posts, reads a round, and the most milliseconds.
SIZES: Final = ((200, 1_000, 20, 150.0), (5_000, 10_000, 1, 2_500.0))
#: Seconds between the calls of a reader who waits for the whole page.
_AGAIN: Final = 0.05


async def measure(at: Setting) -> list[Row]:
    """Return the slowest hundredth of rebuilds, as a reader sees them."""
    rows = []
    for followees, posts, reads, most in SIZES[: at.size(2, 1)]:
        reader = await at.client.register()
        await follow_many(at.on.stage.settings, reader, followees, posts)
        slowest = []
        with counter(at.on.stage.console, f"cold reads of {followees:,} followees", at.rounds * reads) as one:
            for _ in range(at.rounds):
                slowest.append(percentile([await _rebuilt(at, reader, one) for _ in range(reads)], 99))
        rows.append(Row(f"cold timeline of {followees:,} followees rebuilt: p99", "ms", slowest, Target(most=most)))
    return rows


async def _rebuilt(at: Setting, reader: int, done: Callable[[], None]) -> float:
    await Timelines(at.on.redis).remove(reader)
    begun = perf_counter()
    await until_whole(at, reader)
    done()
    return (perf_counter() - begun) * 1000


async def until_whole(at: Setting, reader: int) -> None:
    """Read a timeline until its page is whole."""
    while not await _whole(at, reader):  # noqa: ASYNC110 -- the worker is asked, as a reader asks
        await asyncio.sleep(_AGAIN)


async def _whole(at: Setting, reader: int) -> bool:
    async with at.client.session.get(f"{at.worker.url}/timelines/{reader}") as response:
        await response.read()
        return response.status == 200 and "Timeline-State" not in response.headers
