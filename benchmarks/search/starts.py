"""How much later ``make run`` is ready because of its search: starts with it and without it, in turns."""

from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.report import Figures
from benchmarks.stage import detach_environment, empty, free_ports
from benchmarks.starts import start_seconds

ROUNDS: Final = 5
FOLDER: Final = Path(".data-search-starts")


def measure() -> Figures:
    """Return the seconds until each start was ready, after one of each that are not counted: they fetch and create."""
    detach_environment()
    empty(FOLDER)
    port = free_ports(2)
    options: dict[str, tuple[str, ...]] = {"with": (), "without": ("--no-search",)}
    seconds: dict[str, list[float]] = {name: [] for name in options}
    for turn in range(ROUNDS + 1):
        for name in sorted(options, reverse=bool(turn % 2)):
            taken = start_seconds(FOLDER, port, *options[name])
            if turn:
                seconds[name].append(taken)
    return seconds


def table(figures: Figures) -> str:
    """Return Markdown: the medians, the least and the greatest."""
    names = ("with", "without")
    lines = ["| `make run` until ready | median | from | to |", "|---|---|---|---|"]
    for name in names:
        told = figures[name]
        lines.append(f"| {name} search | {median(told):.1f} s | {min(told):.1f} | {max(told):.1f} |")
    return "\n".join(lines)
