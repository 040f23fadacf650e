"""Each part alone, beside the thin layer of ours that calls it: no code is faster than what it calls."""

from collections.abc import Mapping
from typing import Final

from benchmarks.bars import counter
from benchmarks.bench.ceilings.clients import BARE, OURS
from benchmarks.bench.rows import Row, Target
from benchmarks.bench.scenes.edges import scan
from benchmarks.bench.setting import Setting
from benchmarks.load import CONTENT
from microblog_streams.domain.ids import encode_entry, new_post_id
from microblog_streams.stores.redis.timelines import KEPT_ENTRIES, Timelines

#: Rows of the table that is scanned, as many as a worker with a crowd has.
ROWS, QUICK_ROWS = 1_000_000, 100_000
#: What is called, by the name of its ceiling: what ours is, its unit, and what the bare one is.
CALLS: Final = {
    "page": ("the entries of a page, read from Redis by the timeline store", "calls/s", "LRANGE by a bare client"),
    "multiget": ("a page's 20 posts, read from Cassandra by the post store", "calls/s", "the driver, one statement"),
    "insert": ("a row inserted by a session of our pool", "rows/s", "aiopg's pool"),
}
SCAN: Final = ("an author's followers, scanned in slices", "rows/s", "a bare iterator of RocksDB")


async def measure(at: Setting) -> list[Row]:
    """Return what each part takes."""
    reader = await _reader(at)
    found: dict[str, list[Mapping[str, float]]] = {name: [] for name in (*CALLS, "produce", "scan")}
    with counter(at.on.stage.console, "rounds of parts alone", at.rounds) as one:
        for _ in range(at.rounds):
            for name, arguments in {"page": (reader,), "multiget": (), "insert": (), "produce": ()}.items():
                found[name].append(await at.ceiling(name, *arguments))
            found["scan"].append(await scan(at, at.size(ROWS, QUICK_ROWS)))
            one()
    return [
        *(_row(*CALLS[name], found[name], Target()) for name in CALLS),
        _row(*SCAN, found["scan"], Target(ratio=0.5)),
        Row(
            f"records of {len(CONTENT)} bytes, confirmed by all replicas, aiokafka alone",
            "records/s",
            [each[BARE] for each in found["produce"]],
            Target(),
        ),
    ]


def _row(what: str, unit: str, ceiling: str, found: list[Mapping[str, float]], target: Target) -> Row:
    return Row(what, unit, [each[OURS] for each in found], target, ceiling, [each[BARE] for each in found])


async def _reader(at: Setting) -> int:
    """Register a user, and fill their timeline."""
    reader, timelines = await at.client.register(), Timelines(at.on.redis)
    for _ in range(KEPT_ENTRIES):
        await timelines.push([reader], encode_entry(new_post_id(), reader))
    return reader
