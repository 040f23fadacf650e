"""The command line: which servers, and how much load."""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from benchmarks.peers.contract import Server, Unfit
from benchmarks.peers.play import FOLLOWERS


@dataclass(frozen=True, slots=True)
class Options:
    """What is measured (``target``: the other server, None: ours alone), and how much of everything a round has."""

    target: Server | None
    pids: Sequence[int]
    ours: bool
    workers: int
    authors: int
    rounds: int
    warm_up: int
    seconds: float
    clients: int
    processes: int

    @classmethod
    def read(cls, arguments: list[str] | None = None) -> Self:
        """Read the command line; QUICK=1 makes everything small. Raises Unfit where it contradicts itself."""
        given = _parser(os.environ.get("QUICK") == "1").parse_args(arguments)
        if given.only_target and not given.target:
            raise Unfit("--only-target needs a --target")
        if given.authors < FOLLOWERS or min(given.rounds, given.clients, given.processes, given.workers) < 1:
            raise Unfit(f"--authors must be {FOLLOWERS} or more, and rounds, clients, processes and workers 1 or more")
        target = Server.at(given.target) if given.target else None
        more = {name: value for name, value in vars(given).items() if name not in ("target", "only_target")}
        return cls(target=target, ours=not given.only_target, **more)


def _parser(quick: bool) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    add = parser.add_argument
    add("--target", nargs="+", metavar="URL", help="another server: one base URL, or those of users, posts, timelines")
    add(
        "--pids",
        nargs="+",
        default=(),
        type=int,
        metavar="PID",
        help="the other server's processes, to tell its rates per core used",
    )
    add("--only-target", action="store_true", help="do not start and measure this platform beside it")
    add("--workers", type=int, default=1, help="workers of this platform")
    add("--authors", type=int, default=12 if quick else 200, help="authors of a round, and as many readers")
    add("--rounds", type=int, default=1 if quick else 3, help="rounds that count")
    add("--warm-up", type=int, default=0 if quick else 12, help="rounds before those, at most: until rates level off")
    add("--seconds", type=float, default=1.0 if quick else 8.0, help="seconds for which pages are read in a round")
    add("--clients", type=int, default=32, help="clients, each with one call at a time")
    add("--processes", type=int, default=1, help="processes that the clients are spread over")
    return parser
