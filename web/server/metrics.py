"""Connections as metrics: how many there are, and how many did not behave. A proxy in front counts as one address."""

from collections.abc import Iterator, Mapping

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from web.server.connection_limits import ConnectionLimits, Cut, Refused


class Traffic(Collector):
    """What a door has counted."""

    def __init__(self, door: ConnectionLimits) -> None:
        """Tell of ``door``."""
        self._door = door

    def collect(self) -> Iterator[Metric]:
        """Yield the connections that are open, were refused and were cut."""
        yield GaugeMetricFamily("microblog_connections", "Connections of the web server", self._door.open)
        yield _by_reason("microblog_connections_refused", "Connections that were not let in", self._door.refused)
        yield _by_reason("microblog_connections_cut", "Connections that were too slow", self._door.cut)


def _by_reason(name: str, words: str, counts: Mapping[Refused, int] | Mapping[Cut, int]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, words, labels=["reason"])
    for reason, count in counts.items():
        family.add_metric([reason], count)
    return family
