"""``python -m benchmarks.search [index|pair|starts]``: the figures of search, on a stack of its own.

``index`` fills an index with a million posts, asks it, measures from POST to searchable, and has the indexer write a
backlog from Kafka (``backlog`` does that alone); ``pair`` posts and reads with search and without it, in turns;
``starts`` says how much later ``make run`` is ready. Each takes up to ten minutes and writes
benchmarks/results/search-<name>.json. QUICK=1 tries it with less, PROFILE=1 says where the indexer's time goes.
"""

import os
import signal
import sys
from typing import Final

from benchmarks.memory import memory
from benchmarks.report import Figures, report, tell
from benchmarks.search import backlog, filled, freshness, pair, queries, starts, tables
from benchmarks.search.setting import TUNING, Setting, setting
from benchmarks.stage import Stage
from microblog_streams.config.settings import PREFIX
from microblog_streams.search.engine import Json


async def _index(stage: Stage) -> Figures:
    async with setting(stage) as at:
        figures: Figures = {"fill": await filled.fill(at), "queries": await queries.measure(at)}
        figures["aggregations"] = await queries.aggregations(at)
        figures["freshness"] = await freshness.measure(at)
        await at.worker.leave(signal.SIGTERM)
        await at.indexer.leave(signal.SIGTERM)
        figures["backlog"] = await backlog.measure(at)
        figures["memory"] = {"processes": memory(at.pids()), "heap": await _heap(at)}
        figures["sizes"] = await filled.sizes(at)
        return figures


async def _backlog(stage: Stage) -> Figures:
    async with setting(stage) as at:
        return {"backlog": await backlog.measure(at)}


async def _pair(stage: Stage) -> Figures:
    async with setting(stage) as at:
        return await pair.measure(at)


async def _heap(at: Setting) -> Figures:
    """Return the MiB of the engine's heap: what is used, and the most that it may be."""
    stats: Json = await at.engine.call(lambda client: client.nodes.stats(metric="jvm"), 10.0)
    (node,) = stats["nodes"].values()
    heap = node["jvm"]["mem"]
    return {"used": heap["heap_used_in_bytes"] / 2**20, "most": heap["heap_max_in_bytes"] / 2**20}


PLAYS: Final = {
    "index": (_index, tables.index),
    "backlog": (_backlog, tables.backlog),
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
