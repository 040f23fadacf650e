"""What a page costs as timelines grow in number: the same readers' pages, among ever more timelines of others."""

from typing import Final

from benchmarks.bars import bar
from benchmarks.bench.rows import Row, growth
from benchmarks.bench.scenes.pages import POSTS, files, warm_readers
from benchmarks.bench.setting import Setting
from benchmarks.crowd import FIRST, Crowd
from microblog_streams.domain.ids import encode_entry, new_post_id
from microblog_streams.stores.redis.timelines import Timelines

#: Others' timelines, those against which the most are held, and pages a second: well below what a worker takes.
SIZES, QUICK, BASE = (1_000, 10_000, 100_000), (1_000, 2_000), 0
RATE: Final = 100.0


async def measure(at: Setting) -> list[Row]:
    """Return the middle time of a page among each number of timelines, and how much more it is among the most."""
    people, _ = await files(at, await warm_readers(at))
    await _first(at)
    middles: dict[str, list[float]] = {}
    sizes = QUICK if at.quick else SIZES
    with bar(at.on.stage.console, "timelines beside those that are read", sizes[-1]) as report:
        for size in sizes:
            await Crowd(FIRST, size).keep(at.on.redis)
            loads = [await at.load("timeline", at.worker.url, people, RATE) for _ in range(at.rounds + at.warm_up)]
            middles[f"p50 among {size:,} timelines"] = [each["p50"] * 1000 for each in loads[at.warm_up :]]
            report(size, sizes[-1])
    return growth(f"GET /timelines/{{id}} at {RATE:.0f}/s", "ms", middles, BASE, most=1.5)


async def _first(at: Setting) -> None:
    """Fill the timeline of which all others are copies."""
    timelines = Timelines(at.on.redis)
    await timelines.create(FIRST)
    for _ in range(POSTS):
        await timelines.push([FIRST], encode_entry(new_post_id(), FIRST))
