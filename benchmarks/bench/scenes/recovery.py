"""A worker that has lost its tables reads them back from the changelog; one that has kept them goes on."""

import signal

from benchmarks.bars import counter
from benchmarks.bench.changelog import log
from benchmarks.bench.rows import Row, Target
from benchmarks.bench.setting import Setting
from benchmarks.crowd import Crowd

EDGES, QUICK_EDGES = 1_000_000, 50_000


async def measure(at: Setting) -> list[Row]:
    """Return the rows a second of a recovery, start included, and the seconds of a start with the tables there."""
    crowd = Crowd(await at.client.register(), at.size(EDGES, QUICK_EDGES))
    await log(at.on.stage.settings, crowd, at.partition(crowd.author))
    rates, starts = [], []
    with counter(at.on.stage.console, f"recoveries of {crowd.count:,} rows", at.rounds) as one:
        for _ in range(at.rounds):
            rates.append(crowd.count / await _again(at, lost=True))
            starts.append(await _again(at, lost=False))
            one()
    what = f"recovery of {crowd.count:,} edges after losing the folder, from the start of the process"
    return [
        Row(what, "rows/s", rates, Target(least=20_000)),
        Row("a start with the folder kept, until the tables are there", "s", starts, Target(most=6)),
    ]


async def _again(at: Setting, lost: bool) -> float:
    await at.worker.leave(signal.SIGTERM)
    if lost:
        at.worker.lose_tables()
    return (await at.worker.join())[1]
