"""``/metrics``: the numbers of ``/health``, of connections and of the process, for Prometheus; behind the admin token.

``/health`` and ``/metrics`` show one report, so a number has one name and one meaning. A value that is unknown, as
those of a store that is unavailable, is left out: an absent sample can raise an alert, a wrong 0 cannot.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from aiohttp.web import Request, Response
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from web.api.view import View
from web.server.connection_limits import ConnectionLimits
from web.server.server import GuardedWeb

#: By metric: the path of the value in the report, and the help text.
_GAUGES: Final = {
    "microblog_events_unacked": ("delivery.unacked", "Events that are in flight, or done and not acknowledged"),
    "microblog_rows_in_doubt": ("delivery.rowsInDoubt", "Stale rows of the followers table that wait for a republish"),
    "microblog_outbox_depth": ("outbox.depth", "Committed changes whose events are not in Kafka yet"),
    "microblog_relay_leading": ("outbox.leading", "Whether this worker publishes the outbox"),
    "microblog_tables_recovered": ("tables.recovered", "Whether the followers table is recovered"),
    "microblog_dead_letters_open": ("deadLetters.open", "Dead letters that are neither replayed nor discarded"),
}
_COUNTERS: Final = {
    "microblog_timelines_checked": ("reconciler.checked", "Timelines compared with the stores"),
    "microblog_timelines_repaired": ("reconciler.repaired", "Timelines found wrong and made cold: must stay 0"),
}


class Metrics(View):
    """The metrics of one worker."""

    async def get(self, request: Request) -> Response:
        """Return them in Prometheus' text format."""
        health = self.microblog.health
        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        registry.register(HealthCollector(await health.report(), ready=health.ready()[0]))
        registry.register(ConnectionCollector(cast(GuardedWeb, self.web).connections))
        return Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})


class HealthCollector(Collector):
    """The metrics of a health report."""

    def __init__(self, report: Mapping[str, Any], ready: bool) -> None:
        """Take the content of ``/health``, and whether ``/ready`` is 200."""
        self._report = report
        self._ready = ready

    def collect(self) -> Iterator[Metric]:
        """Yield every metric whose value is known."""
        yield GaugeMetricFamily("microblog_ready", "Whether the worker serves requests", float(self._ready))
        yield _gauges("microblog_store_up", "Whether a store answers", "store", self._stores())
        halted = dict.fromkeys(self._report["delivery"]["halted"], 1.0)
        yield _gauges("microblog_lane_halted", "Partitions whose processor is halted at an event", "lane", halted)
        for name, (path, text) in _GAUGES.items():
            if (value := self._value(path)) is not None:
                yield GaugeMetricFamily(name, text, value)
        for name, (path, text) in _COUNTERS.items():
            yield CounterMetricFamily(name, text, self._value(path))
        refused = self._report["limits"]["refused"]
        yield _counters("microblog_requests_limited", "Requests refused by a rate limit", "budget", refused)

    def _stores(self) -> dict[str, float]:
        return {store: float(state == "ok") for store, state in self._report["stores"].items()}

    def _value(self, path: str) -> float | None:
        section, name = path.split(".")
        value = self._report[section][name]
        return None if value is None else float(value)


class ConnectionCollector(Collector):
    """The metrics of the web server's connections. A proxy counts as one address."""

    def __init__(self, connections: ConnectionLimits) -> None:
        """Read the counts of ``connections`` at each scrape."""
        self._connections = connections

    def collect(self) -> Iterator[Metric]:
        """Yield the connections that are open, were refused, and were cut."""
        counts = self._connections
        yield GaugeMetricFamily("microblog_connections", "Connections of the web server", counts.open)
        refused, cut = "microblog_connections_refused", "microblog_connections_cut"
        yield _counters(refused, "Connections that were not accepted", "reason", counts.refused)
        yield _counters(cut, "Connections that were closed because the client was too slow", "reason", counts.cut)


def _gauges(name: str, text: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=[label])
    for each, value in values.items():
        family.add_metric([each], value)
    return family


def _counters(name: str, text: str, label: str, values: Mapping[Any, int]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, text, labels=[label])
    for each, value in values.items():
        family.add_metric([each], value)
    return family
