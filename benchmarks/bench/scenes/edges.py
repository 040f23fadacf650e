"""What a follower's row costs a fan-out as the table grows: the same author's rows, among ever more of others'."""

import shutil
from collections.abc import Mapping
from typing import Final

from benchmarks.bars import counter
from benchmarks.bench.ceilings.clients import OURS
from benchmarks.bench.rows import Row, growth
from benchmarks.bench.setting import Setting

#: Rows of the table, and those against which the largest is held.
SIZES: Final = (100_000, 1_000_000, 5_000_000)
QUICK: Final = (100_000, 200_000)
BASE: Final = 0


async def measure(at: Setting) -> list[Row]:
    """Return the nanoseconds a row of one author's, in tables of each size, and how much more it is in the largest."""
    sizes = QUICK if at.quick else SIZES
    costs: dict[str, list[float]] = {f"a row of {size:,}": [] for size in sizes}
    with counter(at.on.stage.console, "rounds of scans", at.rounds) as one:
        for _ in range(at.rounds):
            for what, size in zip(costs, sizes, strict=True):
                costs[what].append(1e9 / (await scan(at, size))[OURS])
            one()
    return growth("an author's followers scanned", "ns", costs, BASE, most=1.5)


async def scan(at: Setting, rows: int) -> Mapping[str, float]:
    """Return the rows a second that one author's are read with, in a table of so many."""
    folder = at.on.stage.settings.data_dir / "scanned"
    try:
        return await at.ceiling("scan", folder, rows)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
