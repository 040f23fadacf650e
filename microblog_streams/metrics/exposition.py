"""Metrics as Prometheus reads them: the values of definitions as families, and families as text.

A value that is unknown (None), as those of a store that is unavailable, is left out: an absent sample can raise an
alert, a wrong 0 cannot.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Final, TypeAlias, TypeVar

from prometheus_client import exposition
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar as Shown

from microblog_streams.domain.measures import Exemplar, ExemplarHistogram, Histogram
from microblog_streams.metrics.definitions import Definition, Kind

Value: TypeAlias = float | Histogram | None
#: The values of a metric's labels, in the definition's order; that of a single one needs no tuple.
LabelsT = TypeVar("LabelsT", bound=str | tuple[str, ...])

#: Samples whose text is made in one step: some 2 ms of the event loop, at 20 us each.
SAMPLES_PER_STEP: Final = 100
#: The last line of a page in OpenMetrics.
_END: Final = b"# EOF\n"


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
        to.add_metric(labels, _buckets(value), sum_value=value.total)
    else:
        assert not isinstance(to, HistogramMetricFamily)
        to.add_metric(labels, float(value))


def _buckets(of: Histogram) -> Sequence[tuple[str, float] | tuple[str, float, Shown]]:
    """Return the end of each bucket, the number of values up to it, and the bucket's exemplar if it has one."""
    ends = [*map(str, map(float, of.bounds)), "+Inf"]
    exemplars = of.exemplars if isinstance(of, ExemplarHistogram) else [None] * len(ends)
    return [
        (end, count, _shown(exemplar)) if exemplar else (end, count)
        for end, count, exemplar in zip(ends, of.cumulative(), exemplars, strict=True)
    ]


def _shown(exemplar: Exemplar) -> Shown:
    return Shown({name: str(value) for name, value in exemplar.labels.items()}, exemplar.value, exemplar.at)


class Format(StrEnum):
    """The formats of the page, by their media types. OpenMetrics alone has exemplars."""

    TEXT = "text/plain"
    OPENMETRICS = "application/openmetrics-text"

    @property
    def content_type(self) -> str:
        """The header ``Content-Type``, with the version."""
        return openmetrics.CONTENT_TYPE_LATEST if self is Format.OPENMETRICS else exposition.CONTENT_TYPE_PLAIN_0_0_4


class _Single(Collector):
    """A registry of one family."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric

    def collect(self) -> Iterator[Metric]:
        yield self._metric


async def text(families: Iterable[Metric], form: Format = Format.TEXT) -> bytes:
    """Return the families in Prometheus' text format 0.0.4, or in OpenMetrics 1.0.

    Other tasks have their turn every SAMPLES_PER_STEP.
    """
    is_open = form is Format.OPENMETRICS
    lines_of = openmetrics.generate_latest if is_open else exposition.generate_latest
    parts: list[bytes] = []
    for metric in families:
        for number, piece in enumerate(_pieces(metric)):
            lines = lines_of(_Single(piece)).removesuffix(_END)
            parts.append(_without_head(lines) if number else lines)
            await asyncio.sleep(0)
    return b"".join([*parts, _END] if is_open else parts)


def _pieces(metric: Metric) -> Iterator[Metric]:
    """Yield the family in parts of its samples; one that has none is one part."""
    for start in range(0, max(1, len(metric.samples)), SAMPLES_PER_STEP):
        piece = Metric(metric.name, metric.documentation, metric.type)
        piece.samples = metric.samples[start : start + SAMPLES_PER_STEP]
        yield piece


def _without_head(lines: bytes) -> bytes:
    """Drop ``# HELP`` and ``# TYPE``, which a format allows once."""
    return lines.split(b"\n", 2)[2]
