"""What a dashboard is made of: panels, and the queries that most of them have.

Queries are of the workers that ``$worker`` selects, except where something is one for the whole installation, as the
objectives are. Rates are over ``$__rate_interval``, which Grafana chooses: at least four scrapes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Shape(StrEnum):
    """How a panel looks: Grafana's names."""

    GRAPH = "timeseries"
    NUMBER = "stat"
    TABLE = "table"


@dataclass(frozen=True, slots=True)
class Query:
    """One query of Prometheus."""

    expression: str
    #: With ``{{label}}`` for the values of labels.
    legend: str = ""
    #: Whether the histogram's exemplars are shown: points over the line that name events.
    exemplars: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel."""

    title: str
    meaning: str
    #: Grafana's id of the unit: ``s``, ``bytes``, ``percentunit``, ``short``, and ``ops`` for things a second.
    unit: str
    queries: Sequence[Query]
    shape: Shape = Shape.GRAPH
    columns: int = 8
    #: From this value on it is red.
    alarming: float | None = None
    stacked: bool = False
    #: What has to go wrong before a query has an answer; empty where it always has one.
    empty_unless: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under one title."""

    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A dashboard; ``name`` is that of its file."""

    name: str
    title: str
    meaning: str
    rows: Sequence[Row]


WORKERS: Final = 'instance=~"$worker"'
#: Leaves out the search indexers, which have the same series: their job has rules and panels of its own.
NO_INDEXER: Final = 'job!="microblog-search"'
CALLS: Final = 'route!~"/(admin|health|ready|metrics|docs|openapi|table|router|assignment|graph|performance).*|unknown"'


def rate(metric: str, *labels: str, where: str = "") -> str:
    """Return the sum of a counter's rates, by ``labels``."""
    selector = ", ".join(filter(None, [WORKERS, where]))
    by = f" by ({', '.join(labels)})" if labels else ""
    return f"sum{by} (rate({metric}{{{selector}}}[$__rate_interval]))"


def gauge(metric: str, how: str, *labels: str, where: str = "") -> str:
    """Return a gauge, summed up as ``how`` says (``sum``, ``max``, ``min``), by ``labels``."""
    selector = ", ".join(filter(None, [WORKERS, where]))
    by = f" by ({', '.join(labels)})" if labels else ""
    return f"{how}{by} ({metric}{{{selector}}})"


def quantile(share: float, metric: str, *labels: str, where: str = "") -> str:
    """Return a quantile of a histogram, by ``labels``."""
    return f"histogram_quantile({share:g}, {rate(f'{metric}_bucket', 'le', *labels, where=where)})"


def quantiles(metric: str, *labels: str, where: str = "", exemplars: bool = False) -> list[Query]:
    """Return the queries of a histogram's median and 99th percentile, by ``labels``; the latter with exemplars."""
    names = " ".join(f"{{{{{label}}}}}" for label in labels)
    return [
        Query(
            quantile(share, metric, *labels, where=where),
            f"p{100 * share:g} {names}".strip(),
            exemplars and share > 0.5,
        )
        for share in (0.5, 0.99)
    ]


def number(title: str, meaning: str, unit: str, expression: str, alarming: float | None = None) -> Panel:
    """Return a panel of one number."""
    return Panel(title, meaning, unit, [Query(expression)], Shape.NUMBER, columns=4, alarming=alarming)


def graph(title: str, meaning: str, unit: str, expression: str, legend: str, columns: int = 8) -> Panel:
    """Return a panel of one query's lines."""
    return Panel(title, meaning, unit, [Query(expression, legend)], columns=columns)
