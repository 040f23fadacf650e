"""Pages far down: at entry 400 of a kept list, and past the 800 that are kept, where followees' posts are merged."""

from time import perf_counter
from typing import Final

from benchmarks.bars import counter
from benchmarks.bench.rows import Row, Target
from benchmarks.bench.scenes.cold import until_whole
from benchmarks.bench.setting import Setting
from benchmarks.client import next_page
from benchmarks.figures import percentile
from benchmarks.followees import follow_many
from microblog_streams.stores.timelines import KEPT, Timelines

MIDDLE: Final = 400
#: Followees, the most milliseconds for a page past the kept entries, and for those after it.
FOLLOWEES: Final = ((150, 60.0, 60.0), (2_000, 500.0, 60.0))


async def measure(at: Setting) -> list[Row]:
    """Return the slowest hundredth of reads of each kind of page."""
    rows = []
    for followees, first, later in FOLLOWEES[: at.size(2, 1)]:
        reader = await at.client.register()
        posts = followees + KEPT + 400
        await follow_many(at.on.stage.settings, reader, followees, posts)
        await Timelines(at.on.redis).remove(reader)
        await until_whole(at, reader)
        middle, past, after = await _places(at, reader)
        with counter(at.on.stage.console, f"deep pages of {followees} followees", 3) as one:
            if followees == FOLLOWEES[0][0]:
                rows.append(Row("GET a page at entry 400: p99", "ms", await _times(at, middle), Target(most=20)))
            one()
            what = f"GET the page past the kept entries, {followees:,} followees: p99"
            rows.append(Row(what, "ms", await _times(at, past), Target(most=first)))
            one()
            rows.append(Row("the page after it: p99", "ms", await _times(at, after), Target(most=later)))
            one()
    return rows


async def _places(at: Setting, reader: int) -> tuple[str, str, str]:
    """Return the URLs of the page at entry 400, of the first page past the kept entries, and of the one after it."""
    url, seen = f"{at.worker.url}/timelines/{reader}?limit=20", 0
    places: list[str] = []
    while len(places) < 3:
        if seen in (MIDDLE, KEPT, KEPT + 20):
            places.append(url)
        url, seen = await next_page(at.client.session, url), seen + 20
    return places[0], places[1], places[2]


async def _times(at: Setting, url: str) -> list[float]:
    """Return p99 in milliseconds, a round each."""
    return [percentile([await _read(at, url) for _ in range(at.size(100, 10))], 99) for _ in range(at.rounds)]


async def _read(at: Setting, url: str) -> float:
    begun = perf_counter()
    async with at.client.session.get(url) as response:
        page = await response.json()
        if response.status != 200 or len(page) != 20:
            raise RuntimeError(f"GET {url} was answered with {response.status} and {len(page)} posts")
    return (perf_counter() - begun) * 1000
