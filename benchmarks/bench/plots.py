"""The figures as pictures: how near each comes to its ceiling, and each time beside the most that it may be.

    python -m benchmarks.bench.plots

draws those of benchmarks/results/bench.json again; ``make bench`` does so itself.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pygal
from pygal.style import CleanStyle

from benchmarks.bench.rows import Row
from benchmarks.report import RESULTS

PLOTS: Final = Path(__file__).parents[2] / "docs" / "plots"


def draw(rows: Sequence[Row]) -> None:
    """Write both pictures."""
    PLOTS.mkdir(exist_ok=True)
    near = [row for row in rows if row.ratio is not None]
    ratios = [(row.what, row.ratio, row.target.ratio or 0) for row in near]
    _bars("ratios.svg", "share of the ceiling, and what it must be", ratios)
    bounded = [row for row in rows if row.target.most]
    shares = [(f"{row.what} ({row.unit})", row.figure / (row.target.most or 1), 1.0) for row in bounded]
    _bars("bounds.svg", "share of the most that it may be", shares)


def _bars(name: str, title: str, bars: Sequence[tuple[str, Any, float]]) -> None:
    chart = pygal.HorizontalBar(
        title=title, style=CleanStyle, height=60 * len(bars) + 120, js=[], disable_xml_declaration=True
    )
    chart.x_labels = [what for what, _, _ in reversed(bars)]
    chart.add("measured", [round(value, 3) for _, value, _ in reversed(bars)])
    chart.add("target", [target for _, _, target in reversed(bars)])
    (PLOTS / name).write_bytes(chart.render())


def read() -> list[Row]:
    """Return the rows of the last run."""
    figures = json.loads((RESULTS / "bench.json").read_text(encoding="utf-8"))
    return [Row.read(row) for rows in figures["scenes"].values() for row in rows]


if __name__ == "__main__":
    draw(read())
