"""Pictures of dashboards, for the docs: Grafana's panels in Grafana's grid, drawn as SVG from Prometheus' answers."""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple
from xml.sax.saxutils import escape

from tools.dashboards.grafana import Json

#: Pixels: a column of the grid, a unit of height, and the space around a panel.
COLUMN, UNIT, GAP = 46, 27, 4
#: Lines of a legend; further series are drawn without a name.
LEGEND_LINES: Final = 4
#: Lines that a table has room for.
TABLE_LINES: Final = 11
COLOURS: Final = ("#3b6ea5", "#c0504d", "#5b8c3a", "#8064a2", "#d98e2b", "#3a9a9a", "#7f7f7f", "#b05a8c")
STYLE: Final = "font: 11px sans-serif; background: #f4f5f5"


class Line(NamedTuple):
    """One series: its name, and its values with their times in seconds."""

    name: str
    points: Sequence[tuple[float, float]]


class Box(NamedTuple):
    """Where a panel is, in pixels."""

    left: float
    top: float
    width: float
    height: float


def picture(made: Json, lines_of: Mapping[int, Sequence[Line]]) -> str:
    """Return the SVG of a dashboard's JSON; ``lines_of`` has the lines of each panel by its id."""
    panels = made["panels"]
    assert isinstance(panels, list)
    height = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels) * UNIT + 30
    shapes = [f'<text x="8" y="20" font-weight="bold" font-size="15">{escape(str(made["title"]))}</text>']
    for panel in panels:
        grid = panel["gridPos"]
        box = Box(grid["x"] * COLUMN + GAP, grid["y"] * UNIT + 30, grid["w"] * COLUMN - GAP, grid["h"] * UNIT - GAP)
        if panel["type"] == "row":
            shapes.append(f'<text x="{box.left}" y="{box.top + 16}" font-weight="bold">{escape(panel["title"])}</text>')
        else:
            shapes += _panel(panel, box, lines_of.get(panel["id"], ()))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {24 * COLUMN + GAP} {height}" style="{STYLE}">'
    return "\n".join([head, *shapes, "</svg>", ""])


def _panel(panel: Json, box: Box, lines: Sequence[Line]) -> Iterator[str]:
    size = f'width="{box.width}" height="{box.height}"'
    yield f'<rect x="{box.left}" y="{box.top}" {size} fill="white" stroke="#d8d9da"/>'
    yield f'<text x="{box.left + 6}" y="{box.top + 15}" font-weight="bold">{escape(str(panel["title"]))}</text>'
    unit = str(_defaults(panel)["unit"])
    if not any(line.points for line in lines):
        yield f'<text x="{box.left + 6}" y="{box.top + 40}" fill="#888">no data</text>'
    elif panel["type"] == "stat":
        value = lines[0].points[-1][1]
        yield f'<text x="{box.left + 6}" y="{box.top + 60}" font-size="26">{escape(_figure(value, unit))}</text>'
    elif panel["type"] == "table":
        for place, line in enumerate(lines[:TABLE_LINES]):
            words = f"{line.name}: {_figure(line.points[-1][1], unit)}"
            yield f'<text x="{box.left + 6}" y="{box.top + 35 + 15 * place}">{escape(words)}</text>'
    else:
        yield from _graph(box, lines, unit)


def _defaults(panel: Json) -> Json:
    config = panel["fieldConfig"]
    assert isinstance(config, dict)
    defaults: Json = config["defaults"]
    return defaults


def _graph(box: Box, lines: Sequence[Line], unit: str) -> Iterator[str]:
    ordered = sorted(lines, key=lambda line: -max((value for _, value in line.points), default=0))
    named = ordered[:LEGEND_LINES]
    plot = Box(box.left + 64, box.top + 26, box.width - 74, box.height - 46 - 14 * len(named))
    times = sorted({time for line in lines for time, _ in line.points})
    first, last = times[0], max(times[-1], times[0] + 1)
    top = max(value for line in lines for _, value in line.points) or 1.0
    for share in (0, 0.5, 1):
        y = plot.top + plot.height * (1 - share)
        yield f'<path d="M{plot.left} {y:.0f}h{plot.width}" stroke="#e5e5e5"/>'
        yield f'<text x="{plot.left - 4}" y="{y + 4:.0f}" text-anchor="end">{escape(_figure(top * share, unit))}</text>'
    for place, line in enumerate(ordered):
        colour = COLOURS[place % len(COLOURS)]
        for piece in _unbroken(line.points, _step(times)):
            points = " ".join(
                f"{plot.left + plot.width * (time - first) / (last - first):.1f},"
                f"{plot.top + plot.height * (1 - max(value, 0) / top):.1f}"
                for time, value in piece
            )
            yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.3"/>'
        if place < LEGEND_LINES:
            y = plot.top + plot.height + 18 + 14 * place
            yield f'<rect x="{box.left + 8}" y="{y - 7:.0f}" width="12" height="3" fill="{colour}"/>'
            yield f'<text x="{box.left + 26}" y="{y:.0f}">{escape(line.name)}</text>'


def _step(times: Sequence[float]) -> float:
    return min((later - earlier for earlier, later in pairwise(times)), default=1.0)


def _unbroken(points: Sequence[tuple[float, float]], step: float) -> Iterator[list[tuple[float, float]]]:
    """Yield the pieces of a series between which there are no values: nothing is drawn there."""
    piece: list[tuple[float, float]] = []
    for point in points:
        if piece and point[0] - piece[-1][0] > 1.5 * step:
            yield piece
            piece = []
        piece.append(point)
    yield piece


def _figure(value: float, unit: str) -> str:
    """Return a value as a person reads it, with its unit."""
    if not math.isfinite(value):
        return "?"
    if unit == "percentunit":
        return f"{value:.2%}"
    if unit == "s":
        return f"{value * 1000:.3g} ms" if value < 1 else f"{value:.3g} s"
    if unit == "bytes":
        return f"{value / 2**20:,.3g} MiB" if value < 2**30 else f"{value / 2**30:,.3g} GiB"
    text = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    return f"{text}/s" if unit == "ops" else text
