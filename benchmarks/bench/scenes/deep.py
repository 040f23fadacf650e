"""Pages far down: at entry 400 of a kept list, and past the 800 that are kept, where followees' posts are merged.

What a merge finds beyond its page is kept for the pages after it, so each page is measured on a reader who has read
none of them before. The first to look past the list is its last page, because of the link to the next one.
"""

from collections.abc import Sequence
from time import perf_counter
from typing import Final

from benchmarks.bars import counter
from benchmarks.bench.rows import Row, Target
from benchmarks.bench.scenes.cold import until_whole
from benchmarks.bench.setting import Setting
from benchmarks.client import next_page
from benchmarks.figures import percentile
from benchmarks.followees import follow_many, follow_too
from microblog_streams.stores.redis.timelines import KEPT_ENTRIES, Timelines, key

MIDDLE: Final = 400
#: Followees, and the most milliseconds for a page past the kept entries. Those after it have the same for both.
FOLLOWEES: Final = ((150, 60.0), (2_000, 500.0))
AFTER: Final = 60.0
#: Readers of a round, and pages that each reads past the kept entries.
READERS: Final = 30
PAGES: Final = 26


async def measure(at: Setting) -> list[Row]:
    """Return the slowest hundredth of reads of each kind of page."""
    rows = []
    for followees, first in FOLLOWEES[: at.size(2, 1)]:
        reader = await at.client.register()
        await follow_many(at.on.stage.settings, reader, followees, followees + KEPT_ENTRIES + 20 * (PAGES + 4))
        await Timelines(at.on.redis).remove(reader)
        await until_whole(at, reader)
        if followees == FOLLOWEES[0][0]:
            middle = await _at_entry(at, reader, MIDDLE)
            rows.append(Row("GET a page at entry 400: p99", "ms", await _times(at, middle), Target(most=20)))
        rows += _rows(followees, first, await _scrolled(at, reader, followees))
    return rows


def _rows(followees: int, first: float, rounds: Sequence[Sequence[Sequence[float]]]) -> list[Row]:
    """Return the rows of what each reader's pages took, of each round."""
    firsts, seconds, later = (
        [percentile([took for scroll in each for took in scroll[pages]], 99) for each in rounds]
        for pages in (slice(1), slice(1, 2), slice(1, PAGES))
    )
    return [
        Row(
            f"GET the first page that looks past the kept entries, {followees:,} followees: p99",
            "ms",
            firsts,
            Target(most=first),
        ),
        Row(f"the page after it, {followees:,} followees: p99", "ms", seconds, Target(most=AFTER)),
        Row(f"any of the {PAGES - 1} pages after it, {followees:,} followees: p99", "ms", later, Target()),
    ]


async def _scrolled(at: Setting, reader: int, followees: int) -> list[list[list[float]]]:
    """Have others who follow the same people read on past the kept entries; return the milliseconds of their pages."""
    rounds: list[list[list[float]]] = []
    count = at.size(READERS, 3)
    with counter(at.on.stage.console, f"readers of {followees:,} followees past the list", at.rounds * count) as one:
        for _ in range(at.rounds):
            others = [await at.client.register() for _ in range(count)]
            await follow_too(at.on.stage.settings, others, reader)
            rounds.append([])
            for other in others:
                await at.on.redis.client.copy(key(reader).decode(), key(other).decode(), replace=True)
                rounds[-1].append(await _scroll(at, await _at_entry(at, other, KEPT_ENTRIES - 20)))
                one()
    return rounds


async def _at_entry(at: Setting, reader: int, entry: int) -> str:
    """Return the URL of a reader's page at an entry."""
    url = f"{at.worker.url}/timelines/{reader}?limit=20"
    for _ in range(entry // 20):
        url = await next_page(at.client.session, url)
    return url


async def _times(at: Setting, url: str) -> list[float]:
    """Return p99 in milliseconds, a round each."""
    return [percentile([(await _read(at, url))[0] for _ in range(at.size(100, 10))], 99) for _ in range(at.rounds)]


async def _scroll(at: Setting, url: str) -> list[float]:
    times = []
    for _ in range(PAGES):
        took, url = await _read(at, url)
        times.append(took)
    return times


async def _read(at: Setting, url: str) -> tuple[float, str]:
    """Read a full page; return the milliseconds and the URL of the next one."""
    begun = perf_counter()
    async with at.client.session.get(url) as response:
        page = await response.json()
        took = (perf_counter() - begun) * 1000
        if response.status != 200 or len(page) != 20:
            raise RuntimeError(f"GET {url} was answered with {response.status} and {len(page)} posts")
        return took, str(response.links["next"]["url"])
