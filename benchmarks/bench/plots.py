"""The figures as pictures: how near each comes to its ceiling, and each beside the most that it may be.

    python -m benchmarks.bench.plots

draws those of benchmarks/results/bench.json again; ``make bench`` does so itself. Bars are rectangles and words, so
they are written as SVG right here.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from benchmarks.bench.rows import Row
from benchmarks.report import RESULTS

PLOTS: Final = Path(__file__).parents[2] / "docs" / "plots"
#: Sizes in pixels: a bar with the words above it, the picture, the length that stands for 1, and the longest bar.
BAR, WIDTH, ONE, LONGEST = 44, 760, 400, 640

#: What a bar is about, its length, and where it must end: a share of something.
Bar = tuple[str, float, float]


def draw(rows: Sequence[Row]) -> None:
    """Write both pictures."""
    PLOTS.mkdir(exist_ok=True)
    near = [(row.what, row.ratio, row.target.ratio or 0) for row in rows if row.ratio is not None]
    _write("ratios.svg", "Share of the ceiling (line: at least)", near)
    bounded = [(row.what, row.figure / row.target.most, 1.0) for row in rows if row.target.most]
    _write("bounds.svg", "Share of the most that it may be (line)", bounded)


def read() -> list[Row]:
    """Return the rows of the last run."""
    figures = json.loads((RESULTS / "bench.json").read_text(encoding="utf-8"))
    return [Row.read(row) for rows in figures["scenes"].values() for row in rows]


def _write(name: str, title: str, bars: Sequence[Bar]) -> None:
    height = BAR * (len(bars) + 1)
    style = "font: 13px sans-serif; background: white"
    shapes = [f'<text x="8" y="24" font-weight="bold">{escape(title)}</text>']
    shapes += [_bar(BAR * (place + 1), *bar) for place, bar in enumerate(bars)]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" style="{style}">'
    (PLOTS / name).write_text("\n".join([head, *shapes, "</svg>", ""]), encoding="utf-8")


def _bar(top: int, what: str, share: float, target: float) -> str:
    length, line = min(share * ONE, LONGEST), 8 + target * ONE
    return (
        f'<text x="8" y="{top + 12}">{escape(what)}: {share:.0%}</text>'
        f'<rect x="8" y="{top + 17}" width="{length:.0f}" height="14" fill="#3b6ea5"/>'
        f'<path d="M{line:.0f} {top + 14}v20" stroke="#b03030" stroke-width="2"/>'
    )


if __name__ == "__main__":
    draw(read())
