"""Makes Prometheus' families from definitions and values, and their text.

A value that is unknown (None), as those of a store that is unavailable, is left out: an absent sample can raise an
alert, a wrong 0 cannot.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias, TypeVar

from prometheus_client import generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from microblog_streams.domain.measures import Histogram
from microblog_streams.metrics.definitions import Definition, Kind

Value: TypeAlias = float | Histogram | None
#: The values of a metric's labels, in the definition's order; that of a single one needs no tuple.
LabelsT = TypeVar("LabelsT", bound=str | tuple[str, ...])

#: Samples whose text is made in one step: some 2 ms of the event loop, at 20 us each.
SAMPLES_PER_STEP: Final = 100


def family(definition: Definition, values: Value | Mapping[LabelsT, Value]) -> Metric:
    """Return the family of a metric with its known values: one value, or one for each combination of labels."""
    empty = _empty(definition)
    by_labels = values if isinstance(values, Mapping) else {(): values}
    for labels, value in by_labels.items():
        if value is not None:
            _add(empty, [labels] if isinstance(labels, str) else list(labels), value)
    return empty


def _empty(definition: Definition) -> CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily:
    name, text, labels = definition.name, definition.meaning.replace("`", ""), definition.labels
    if definition.kind is Kind.HISTOGRAM:
        return HistogramMetricFamily(name, text, labels=labels)
    if definition.kind is Kind.COUNTER:
        return CounterMetricFamily(name, text, labels=labels)
    return GaugeMetricFamily(name, text, labels=labels)


def _add(
    to: CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily, labels: Sequence[str], value: float | Histogram
) -> None:
    if isinstance(value, Histogram):
        assert isinstance(to, HistogramMetricFamily)
        ends = [*map(str, map(float, value.bounds)), "+Inf"]
        to.add_metric(labels, list(zip(ends, value.cumulative(), strict=True)), sum_value=value.total)
    else:
        assert not isinstance(to, HistogramMetricFamily)
        to.add_metric(labels, float(value))


class _Single(Collector):
    """A registry of one family."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric

    def collect(self) -> Iterator[Metric]:
        yield self._metric


async def text(families: Iterable[Metric]) -> bytes:
    """Return the families in Prometheus' text format 0.0.4; other tasks have their turn every SAMPLES_PER_STEP."""
    parts: list[bytes] = []
    for metric in families:
        for number, piece in enumerate(_pieces(metric)):
            lines = generate_latest(_Single(piece))
            parts.append(_without_head(lines) if number else lines)
            await asyncio.sleep(0)
    return b"".join(parts)


def _pieces(metric: Metric) -> Iterator[Metric]:
    """Yield the family in parts of its samples; one that has none is one part."""
    for start in range(0, max(1, len(metric.samples)), SAMPLES_PER_STEP):
        piece = Metric(metric.name, metric.documentation, metric.type)
        piece.samples = metric.samples[start : start + SAMPLES_PER_STEP]
        yield piece


def _without_head(lines: bytes) -> bytes:
    """Drop ``# HELP`` and ``# TYPE``, which a format allows once."""
    return lines.split(b"\n", 2)[2]
