"""Measure every scene on one stack, write the figures and the plots, print the table."""

import os
import sys
from collections.abc import Awaitable, Callable
from typing import Final

from benchmarks.bench.plots import draw, read
from benchmarks.bench.rows import Row, table
from benchmarks.bench.scenes import (
    beside,
    clustered,
    cold,
    deep,
    fan_out,
    follows,
    graph,
    idle,
    latency,
    pages,
    posts,
    recovery,
)
from benchmarks.bench.setting import Setting, setting
from benchmarks.report import Figures, report
from benchmarks.stage import Stage
from microblog_streams.settings import PREFIX

Scene = Callable[[Setting], Awaitable[list[Row]]]
#: Those that need a fresh worker come last: they stop it, and fill its tables.
SCENES: Final[dict[str, Scene]] = {
    "pages": pages.measure,
    "deep": deep.measure,
    "cold": cold.measure,
    "posts": posts.measure,
    "follows": follows.measure,
    "latency": latency.measure,
    "graph": graph.measure,
    "fan-out": fan_out.measure,
    "clustered": clustered.measure,
    "beside": beside.measure,
    "recovery": recovery.measure,
    "idle": idle.measure,
}


def main() -> None:
    """Measure, and report; SCENES=name,… picks some."""
    chosen = [name for name in os.environ.get("SCENES", "").split(",") if name] or list(SCENES)
    if unknown := set(chosen) - set(SCENES):
        sys.exit(f"no scene {', '.join(sorted(unknown))}; these are: {', '.join(SCENES)}")
    # The stage's worker stays outside the group: the one that is measured is stopped while its table is filled.
    os.environ[f"{PREFIX}ROLES"] = "web"
    name = "bench-quick" if os.environ.get("QUICK") == "1" else "bench"
    report(name, 1, lambda stage: _measure(stage, chosen), _table)
    if name == "bench":
        draw(read())


async def _measure(stage: Stage, chosen: list[str]) -> Figures:
    async with setting(stage) as at:
        rows = {name: [row.written() for row in await SCENES[name](at)] for name in chosen}
        return {"quick": at.quick, "scenes": rows}


def _table(figures: Figures) -> str:
    return table(Row.read(row) for rows in figures["scenes"].values() for row in rows)


if __name__ == "__main__":
    main()
