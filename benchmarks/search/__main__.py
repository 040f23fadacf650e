"""``python -m benchmarks.search [index|live|pair|starts]``: the figures of search, on a stack of its own.

``index`` fills an index with a million posts and asks it; ``live`` measures from POST to searchable, and has the
indexer write a backlog from Kafka; ``pair`` posts and reads with search and without it, in turns; ``starts`` says how
much later ``make run`` is ready. Each takes up to ten minutes and writes benchmarks/results/search-<name>.json. QUICK=1
tries it with less, POSTS=300000 fills with so many, ROUNDS=2 plays so many of the pair's, PROFILE=1 says where the
indexer's time goes.
"""

import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from benchmarks.memory import memory
from benchmarks.report import Figures, report, tell
from benchmarks.search import backlog, filled, freshness, hostile, pair, queries, starts, tables
from benchmarks.search.setting import TUNING, Setting, setting
from benchmarks.stage import Stage
from microblog_streams.config.settings import PREFIX
from microblog_streams.search.engine import Json

Measure = Callable[[Setting], Awaitable[Figures]]


async def _index(stage: Stage) -> Figures:
    return await _measured(stage, INDEX)


async def _live(stage: Stage) -> Figures:
    return await _measured(stage, LIVE)


async def _measured(stage: Stage, parts: Mapping[str, Measure]) -> Figures:
    async with setting(stage) as at:
        figures: Figures = {}
        for name, measure in parts.items():
            figures[name] = await measure(at)
            # A run of ten minutes that is interrupted has told these.
            at.on.stage.console.print(name, figures[name])
        return figures


async def _pair(stage: Stage) -> Figures:
    async with setting(stage) as at:
        return await pair.measure(at)


async def _freshness(at: Setting) -> Figures:
    figures = await freshness.measure(at)
    await at.worker.leave(signal.SIGTERM)
    await at.indexer.leave(signal.SIGTERM)
    return figures


async def _memory(at: Setting) -> Figures:
    return {"processes": memory(at.pids()), "heap": await _heap(at)}


async def _heap(at: Setting) -> Figures:
    """Return the MiB of the engine's heap: what is used, and the most that it may be."""
    stats: Json = await at.engine.call(lambda client: client.nodes.stats(metric="jvm"), 10.0)
    (node,) = stats["nodes"].values()
    heap = node["jvm"]["mem"]
    return {"used": heap["heap_used_in_bytes"] / 2**20, "most": heap["heap_max_in_bytes"] / 2**20}


#: What ``index`` measures, in this order, and what ``live`` does.
INDEX: Final[Mapping[str, Measure]] = {
    "fill": filled.fill,
    "sizes": filled.sizes,
    "queries": queries.measure,
    "aggregations": queries.aggregations,
    "hostile": hostile.measure,
    "memory": _memory,
}
LIVE: Final[Mapping[str, Measure]] = {"freshness": _freshness, "backlog": backlog.measure, "memory": _memory}
PLAYS: Final = {
    "index": (_index, tables.index),
    "live": (_live, tables.live),
    "pair": (_pair, tables.pair),
}


def main() -> None:
    """Measure what is asked for, and report."""
    name = sys.argv[1] if len(sys.argv) > 1 else "index"
    if name == "starts":
        tell("search-starts", starts.measure, starts.table)
        return
    if name not in PLAYS:
        sys.exit(f"there is no {name}; there are {', '.join(PLAYS)} and starts")
    measure, table = PLAYS[name]
    # The stage's own worker serves no requests: the one that is measured is started and stopped.
    os.environ[f"{PREFIX}ROLES"] = "web"
    os.environ.setdefault(f"{PREFIX}LOCAL_TUNING", TUNING)
    way = next((f"-{way.lower()}" for way in ("PROFILE", "QUICK") if os.environ.get(way) == "1"), "")
    report(f"search-{name}{way}", 1, measure, table)


if __name__ == "__main__":
    main()
