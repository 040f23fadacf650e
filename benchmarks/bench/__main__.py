"""Measure every scene on one stack, write the figures and the plots, print the table.

Scenes that are not picked keep the figures that they had. QUICK=1 and PROFILE=1 write figures of their own: what was
measured quickly, or beside a profiler, is compared with nothing.
"""

import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, cast

from benchmarks.bench.plots import draw, read
from benchmarks.bench.profile import profiled
from benchmarks.bench.rows import Row, table
from benchmarks.bench.scenes import (
    beside,
    clustered,
    cold,
    deep,
    edges,
    fan_out,
    followers,
    follows,
    graph,
    idle,
    latency,
    pages,
    parts,
    posts,
    recovery,
    timelines,
    workers,
)
from benchmarks.bench.setting import Setting, setting
from benchmarks.report import RESULTS, Figures, refuse_arguments, report
from benchmarks.stage import Stage
from microblog_streams.config.settings import PREFIX

Scene = Callable[[Setting], Awaitable[list[Row]]]
#: Those that need a fresh worker come last: they stop it, and fill its tables.
SCENES: Final[dict[str, Scene]] = {
    "parts": parts.measure,
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
    "timelines": timelines.measure,
    "edges": edges.measure,
    "followers": followers.measure,
    "recovery": recovery.measure,
    "workers": workers.measure,
    "idle": idle.measure,
}


def main() -> None:
    """Measure, and report; SCENES=name,… picks some."""
    refuse_arguments()
    picked = {name for name in os.environ.get("SCENES", "").split(",") if name}
    if unknown := picked - set(SCENES):
        sys.exit(f"no scene {', '.join(sorted(unknown))}; these are: {', '.join(SCENES)}")
    # In their own order, whatever the order in which they are picked: some count what others leave behind.
    chosen = [name for name in SCENES if name in picked or not picked]
    # The stage's worker stays outside the group: the one that is measured is stopped while its table is filled.
    os.environ[f"{PREFIX}ROLES"] = "web"
    name = next((f"bench-{way.lower()}" for way in ("PROFILE", "QUICK") if os.environ.get(way) == "1"), "bench")
    before = _scenes(name) if len(chosen) < len(SCENES) else {}
    report(name, 1, lambda stage: _measure(stage, chosen, before), lambda figures: _table(figures, chosen))
    if name == "bench":
        draw(read())


async def _measure(stage: Stage, chosen: list[str], before: Figures) -> Figures:
    watched = profiled if os.environ.get("PROFILE") == "1" else _unwatched
    async with setting(stage) as at:
        rows = dict(before)
        for name in chosen:
            async with watched(at, name):
                rows[name] = [row.written() for row in await SCENES[name](at)]
        return {"quick": at.quick, "scenes": rows}


@asynccontextmanager
async def _unwatched(at: Setting, scene: str) -> AsyncIterator[None]:
    yield


def _scenes(name: str) -> Figures:
    """Return the figures of an earlier run by their scenes."""
    file = RESULTS / f"{name}.json"
    return cast(Figures, json.loads(file.read_text(encoding="utf-8"))["scenes"]) if file.exists() else {}


def _table(figures: Figures, chosen: list[str]) -> str:
    return table(Row.read(row) for name in chosen for row in figures["scenes"][name])


if __name__ == "__main__":
    main()
