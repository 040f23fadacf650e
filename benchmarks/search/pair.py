"""Posting and reading with search and without it, in turns on one stack.

With search: engine and indexer run, the indexer has caught up, and the worker knows the engine. Without: neither runs,
and the worker knows of none (SEARCH=0). The worker is started anew for each turn. Two loads: as much as 32 clients can,
for which all processes fight for the cores, and a fixed rate, which leaves them time.
"""

import asyncio
import json
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.applied import group
from benchmarks.aside import aside
from benchmarks.bars import counter
from benchmarks.client import side_by_side
from benchmarks.report import Figures
from benchmarks.scenes import CLIENTS
from benchmarks.search.setting import Setting
from microblog_streams.domain.topics import POST_CREATED, search_id
from microblog_streams.local.opensearch import OpenSearch

ROUNDS, QUICK_ROUNDS = 5, 1
#: The loads: what is called, and how often a second (0: as much as the clients can).
LOADS: Final[Mapping[str, tuple[str, float]]] = {
    "posts": ("post", 0.0),
    "pages": ("timeline", 0.0),
    "posts at 100/s": ("post", 100.0),
}
SECONDS, WARM_UP_SECONDS = 6.0, 2.0
PEOPLE, FOLLOWEES = 200, 10
_DEADLINE: Final = 120.0


async def measure(at: Setting) -> Figures:
    """Return the figures of each round and load, with search and without it."""
    people = await _people(at)
    rounds: list[Figures] = []
    number = int(os.environ.get("ROUNDS") or at.size(ROUNDS, QUICK_ROUNDS))
    with counter(at.on.stage.console, "rounds", number) as one:
        for turn in range(number):
            order = (False, True) if turn % 2 else (True, False)
            rounds.append({_name(search): await _turn(at, search, people) for search in order})
            one()
    return {"rounds": rounds, "ratios": {load: _ratios(rounds, load) for load in LOADS}}


def _name(search: bool) -> str:
    return "with" if search else "without"


async def _people(at: Setting) -> Path:
    await at.worker.join()
    registered = await side_by_side(CLIENTS, lambda _: at.client.register(), range(PEOPLE), lambda: None)
    people = list(registered.values())

    async def follow(place: int) -> None:
        for step in range(1, FOLLOWEES + 1):
            await at.client.follow(people[place], people[(place + step) % PEOPLE])

    await side_by_side(CLIENTS, follow, range(PEOPLE), lambda: None)
    await at.worker.leave(signal.SIGTERM)
    file = at.settings.data_dir / "people.json"
    await asyncio.to_thread(file.write_text, json.dumps(people))
    return file


async def _turn(at: Setting, search: bool, people: Path) -> Figures:
    if search and not at.engine_runs:
        await asyncio.to_thread(at.engine_stack.restart, OpenSearch.name)
    if not search and at.engine_runs:
        await asyncio.to_thread(at.engine_stack.kill, OpenSearch.name)
    at.worker.settings["SEARCH_URL"] = at.url if search else ""
    await at.worker.join()
    try:
        if search:
            await at.indexer.serve()
            await _caught_up(at)
        return {name: await _load(at, call, rate, people) for name, (call, rate) in LOADS.items()}
    finally:
        if search:
            await at.indexer.leave(signal.SIGTERM)
        await at.worker.leave(signal.SIGTERM)


async def _caught_up(at: Setting) -> None:
    """Wait until the indexer has what was posted without it."""
    async with group(at.settings, search_id(1)) as indexers, asyncio.timeout(_DEADLINE):
        while True:
            done, there = await indexers.applied(POST_CREATED)
            if done >= there:
                return
            await asyncio.sleep(0.2)


async def _load(at: Setting, call: str, rate: float, people: Path) -> Figures:
    await _calls(at, call, rate, people, WARM_UP_SECONDS)
    with at.spent() as spent:
        told = await _calls(at, call, rate, people, SECONDS)
    cpu = {name: used / told["calls"] * 1_000 for name, used in spent.items() if name != "seconds"}
    return {**{name: told[name] for name in ("rate", "p50", "p99")}, "cpu ms a call": cpu}


async def _calls(at: Setting, call: str, rate: float, people: Path, seconds: float) -> Figures:
    seconds = 1.0 if at.quick else seconds
    options = ["--people", people, "--clients", 32, "--seconds", seconds, "--rate", rate]
    return await aside("benchmarks.load", call, at.worker.url, *options, data=at.settings.data_dir, seconds=seconds)


def _ratios(rounds: Sequence[Figures], load: str) -> Figures:
    """Return, with search over without it, of each figure: the median of the rounds, the least and the greatest."""
    found = {}
    for name in ("rate", "p50", "p99", "worker cpu"):
        each = [_figure(one["with"][load], name) / _figure(one["without"][load], name) for one in rounds]
        found[name] = {"median": median(each), "least": min(each), "greatest": max(each)}
    return found


def _figure(figures: Figures, name: str) -> float:
    value: float = figures["cpu ms a call"]["worker"] if name == "worker cpu" else figures[name]
    return value
