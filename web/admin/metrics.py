"""``/metrics``: what ``/health`` tells, as Prometheus scrapes it, and what the process costs. Behind the admin token.

Both show one report, so a number has one name and one meaning. What is not known at the moment (a store is away) is
left out, because an absent sample raises an alert on absence and a wrong 0 raises none.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from aiohttp.web import Request, Response
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from web.api.view import View
from web.server.faust_driver import GuardedWeb
from web.server.metrics import Traffic

#: Where in the report a number is, by the metric's name; and what it says.
_GAUGES: Final = {
    "microblog_events_unacked": ("delivery.unacked", "Events under way, or finished and not acknowledged"),
    "microblog_rows_in_doubt": ("delivery.rowsInDoubt", "Rows of the followers table that wait to be written again"),
    "microblog_outbox_depth": ("outbox.depth", "Committed changes whose events are not in Kafka yet"),
    "microblog_relay_leading": ("outbox.leading", "Whether this worker carries the outbox to Kafka"),
    "microblog_tables_recovered": ("tables.recovered", "Whether the followers table is read back"),
    "microblog_dead_letters_open": ("deadLetters.open", "Dead letters that nobody replayed or discarded"),
}
_COUNTERS: Final = {
    "microblog_timelines_checked": ("reconciler.checked", "Timelines compared with the stores"),
    "microblog_timelines_repaired": ("reconciler.repaired", "Timelines found wrong and made cold: must stay 0"),
}


class Metrics(View):
    """The numbers of one worker."""

    async def get(self, request: Request) -> Response:
        """Return them in Prometheus' text format."""
        health = self.microblog.health
        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        registry.register(Report(await health.report(), ready=health.ready()[0]))
        registry.register(Traffic(cast(GuardedWeb, self.web).door))
        return Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})


class Report(Collector):
    """One report as metrics."""

    def __init__(self, report: Mapping[str, Any], ready: bool) -> None:
        """Take the report of ``/health`` and the answer of ``/ready``."""
        self._report = report
        self._ready = ready

    def collect(self) -> Iterator[Metric]:
        """Yield every metric that is known."""
        yield GaugeMetricFamily("microblog_ready", "Whether the worker serves requests", float(self._ready))
        yield self._by_label("microblog_store_up", "Whether a store answers", "store", self._stores())
        halted = dict.fromkeys(self._report["delivery"]["halted"], 1.0)
        yield self._by_label("microblog_lane_halted", "Partitions that stand still on an event", "lane", halted)
        for name, (path, words) in _GAUGES.items():
            if (value := self._at(path)) is not None:
                yield GaugeMetricFamily(name, words, value)
        for name, (path, words) in _COUNTERS.items():
            yield CounterMetricFamily(name, words, self._at(path))
        yield self._refused()

    def _refused(self) -> CounterMetricFamily:
        words = "Requests that were refused because a caller's budget was used up"
        family = CounterMetricFamily("microblog_requests_limited", words, labels=["budget"])
        for budget, count in self._report["limits"]["refused"].items():
            family.add_metric([budget], count)
        return family

    def _stores(self) -> dict[str, float]:
        return {store: float(state == "ok") for store, state in self._report["stores"].items()}

    def _at(self, path: str) -> float | None:
        section, name = path.split(".")
        value = self._report[section][name]
        return None if value is None else float(value)

    @staticmethod
    def _by_label(name: str, words: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
        family = GaugeMetricFamily(name, words, labels=[label])
        for each, value in values.items():
            family.add_metric([each], value)
        return family
