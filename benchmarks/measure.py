"""``python -m benchmarks.measure``: the figures of docs/results.md, on a stack of its own below ``.data-measure``.

Starts as ``make run`` does, imports the graph (FULL=1: all of it, else a tenth of the people), looks at the memory,
posts as the most followed person, and puts the load of 32 clients on POST /posts/ and GET /timelines/{id}, from a
process of its own: a warm-up, then three rounds, of which the medians are told. Writes benchmarks/results/measure.json.
"""

import asyncio
import json
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.applied import group, until_applied
from benchmarks.bars import counter
from benchmarks.graph import Graph, read
from benchmarks.machine import machine, versions
from benchmarks.memory import memory
from benchmarks.report import refuse_arguments
from benchmarks.scenes import GRAPH, Imported, Platform, platform
from benchmarks.stage import Stage, detach_environment, empty, free_ports, play
from benchmarks.starts import start_seconds
from benchmarks.table import table
from microblog_streams.config.settings import exit_with_error
from microblog_streams.domain.errors import SetupError
from microblog_streams.domain.topics import POST_CREATED
from microblog_streams.local.jars import Interrupted
from microblog_streams.stores.postgres.connection import Postgres

FOLDER = Path(".data-measure")
RESULTS = Path(__file__).parent / "results" / "measure.json"
FRACTION = 0.1
#: Posts of the most followed person, one after the other.
POSTS = 50
CLIENTS, ROUNDS, SECONDS, WARM_UP = 32, 3, 10.0, 3.0
#: Readers of timelines: so many people, who follow so many that their pages are full.
READERS, FOLLOWEES, SEED = 1_000, 60, 2003
#: Seconds that the posts of the load may take to be delivered.
DELIVER = 600.0

Figures = dict[str, Any]


def main() -> None:
    """Measure, write the results, print the table."""
    refuse_arguments()
    fraction = 1.0 if os.environ.get("FULL") == "1" else FRACTION
    try:
        detach_environment()
        empty(FOLDER)
        on = machine()
        port = free_ports(1)
        starts = {"empty": start_seconds(FOLDER, port), "again": start_seconds(FOLDER, port)}
        figures = play(FOLDER, 1, lambda stage: _measure(stage, fraction), port)
        starts["full"] = start_seconds(FOLDER, port)
    except SetupError as exc:
        exit_with_error(exc)
    except Interrupted:
        sys.exit(130)
    results = {"machine": on, "starts": starts, **figures}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(table(results))


async def _measure(stage: Stage, fraction: float) -> Figures:
    async with platform(stage) as on:
        imported = await on.load(read(GRAPH, fraction), fraction)
        figures: Figures = {
            "versions": await _versions(on),
            "import": _import(imported),
            "memory": memory(stage.processes()),
            "most followed": await _most_followed(on, imported.graph),
        }
        readers = _readers(imported.graph)
        await on.warm(readers)
        figures["post"] = await _rounds(on, "post", imported.graph.people)
        await _delivered(on)
        figures["timeline"] = await _rounds(on, "timeline", readers)
        pages = await asyncio.gather(*(on.client.timeline(reader) for reader in readers[:50]))
        figures["timeline"]["posts a page"] = median(min(20, len(page)) for page in pages)
    return figures


async def _versions(on: Platform) -> dict[str, str]:
    postgres = Postgres(on.stage.settings)
    await postgres.connect()
    try:
        return await versions(postgres, on.redis)
    finally:
        await postgres.close()


def _import(imported: Imported) -> Figures:
    return {
        "people": imported.people,
        "follows": imported.follows,
        "stored per second": imported.follows / imported.stored,
        "applied per second": imported.follows / imported.applied,
        "seconds": imported.applied,
    }


async def _most_followed(on: Platform, graph: Graph) -> Figures:
    author = graph.by_followers[0]
    followers = sorted(graph.followers[author])
    warming = await on.warm([author, *followers])
    times = []
    with counter(on.stage.console, "posts by the most followed", POSTS) as one:
        for number in range(POSTS):
            times.append((await on.post(author, f"Post {number}", followers))[1])
            one()
    return {"followers": len(followers), "posts": POSTS, "times": times, "warming": warming}


def _readers(graph: Graph) -> list[int]:
    many = [person for person in graph.people if len(graph.followees[person]) >= FOLLOWEES]
    return random.Random(SEED).sample(many, min(READERS, len(many)))  # noqa: S311 - can be repeated, no secret


async def _rounds(on: Platform, call: str, people: Sequence[int]) -> Figures:
    """Put the load on: a warm-up, then the rounds."""
    file = on.stage.settings.data_dir / "people.json"
    await asyncio.to_thread(file.write_text, json.dumps(people))
    await _load(on, call, file, WARM_UP)
    rounds = []
    with counter(on.stage.console, f"rounds of {call}", ROUNDS) as one:
        for _ in range(ROUNDS):
            rounds.append(await _load(on, call, file, SECONDS))
            one()
    medians = {name: median(figures[name] for figures in rounds) for name in ("rate", "p50", "p99")}
    return {"clients": CLIENTS, "seconds": SECONDS, "rounds": rounds, **medians}


async def _load(on: Platform, call: str, people: Path, seconds: float) -> Figures:
    options = ["--people", str(people), "--clients", str(CLIENTS), "--seconds", str(seconds)]
    command = [sys.executable, "-m", "benchmarks.load", call, *on.stage.urls, *options]
    done = await asyncio.to_thread(
        subprocess.run, command, stdout=subprocess.PIPE, check=True, timeout=seconds + 60, text=True
    )
    figures: Figures = json.loads(done.stdout)
    return figures


async def _delivered(on: Platform) -> None:
    """Wait until every post of the load is in its timelines."""
    async with group(on.stage.settings) as workers:
        _, there = await workers.applied(POST_CREATED)
        with counter(on.stage.console, "waits for the posts' delivery", 1) as one:
            await until_applied(workers, on.client, POST_CREATED, there, DELIVER, lambda _: None)
            one()


if __name__ == "__main__":
    main()
