"""Measure this platform, another one, or both in turns; write the figures, print the table."""

import asyncio
import os
import sys
from contextlib import suppress
from typing import Any
from uuid import uuid4

from rich.console import Console

from benchmarks.bars import counter
from benchmarks.peers.contract import Caller, Server, open_session
from benchmarks.peers.crew import Crew, Side
from benchmarks.peers.level import are_level
from benchmarks.peers.options import Options
from benchmarks.peers.play import Round
from benchmarks.peers.rows import table
from benchmarks.report import Figures, report, tell
from benchmarks.stage import Stage
from microblog_streams.config.settings import exit_with_error
from microblog_streams.domain.errors import SetupError

OURS, TARGET = "ours", "target"


def main() -> None:
    """Measure, and report."""
    try:
        options = Options.read()
        if options.target:
            asyncio.run(_look_at(options.target))  # before this platform is started for nothing
    except SetupError as exc:
        exit_with_error(exc)
    name = "peers-quick" if os.environ.get("QUICK") == "1" else "peers"
    sides = {TARGET: Side([options.target], {str(pid): pid for pid in options.pids})} if options.target else {}
    if not options.ours:
        with suppress(KeyboardInterrupt):
            tell(name, lambda: asyncio.run(measure(sides, options, Console())), table)
            return
        sys.exit(130)
    report(name, options.workers, lambda stage: measure({OURS: _ours(stage)} | sides, options, stage.console), table)


async def _look_at(server: Server) -> None:
    """Register a user. Raises Unfit where the server is not there, or another one."""
    async with open_session() as session:
        caller, name = Caller(session, server), f"p{uuid4().hex[:12]}"
        await caller.register(name)
        await caller.ids([name])


def _ours(stage: Stage) -> Side:
    return Side([Server.at([url]) for url in stage.urls], stage.processes())


async def measure(sides: dict[str, Side], options: Options, console: Console) -> Figures:
    """Play rounds on each side in turns until the rates level off, then those that count. Raises Unfit."""
    crew = Crew(options.processes, options.clients)
    rounds: dict[str, list[Any]] = {name: [] for name in sides}
    with counter(console, "rounds of the load", len(sides) * (options.warm_up + options.rounds)) as one:

        async def play() -> None:
            for name, side in sides.items():
                rounds[name].append(await Round(side, crew, options.authors, options.seconds).figures())
                one()

        warm_up = 0
        while warm_up < options.warm_up and not all(map(are_level, rounds.values())):
            await play()
            warm_up += 1
        level = all(map(are_level, rounds.values()))
        for _ in range(options.rounds):
            await play()
    load = {"authors": options.authors, "clients": options.clients, "processes": options.processes}
    return {
        "load": load | {"warmUp": warm_up, "level": level},
        "sides": {name: played[warm_up:] for name, played in rounds.items()},
    }


if __name__ == "__main__":
    main()
