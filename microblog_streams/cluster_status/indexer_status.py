"""The state of one search indexer: ``/health``, ``/ready`` and ``/metrics``, with the names that workers use."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from faust import App
from prometheus_client.metrics_core import Metric

from microblog_streams.cluster_status.health import PING_SECONDS
from microblog_streams.cluster_status.worker_metrics import StreamingParts, process_families, streaming_families
from microblog_streams.config.settings import Settings
from microblog_streams.delivery.faust_patches.transport import producer_started, refresh_broker
from microblog_streams.delivery.processor_pool import ProcessorPool
from microblog_streams.metrics import definitions as metrics
from microblog_streams.metrics.exposition import family
from microblog_streams.metrics.store_calls import StoreCalls
from microblog_streams.search.indexer import Indexer
from microblog_streams.services.connections import BrokerGate, StoreConnections


@dataclass
class IndexerHealth:
    """The checks of one indexer. It is ready once it reads events: an engine that is away delays them, no more."""

    app: App
    settings: Settings
    store_connections: StoreConnections
    broker_gate: BrokerGate
    processor_pool: ProcessorPool
    _was_ready: bool = field(default=False, init=False)

    def ready(self) -> tuple[bool, str]:
        """Return whether the indexer reads events, and the reason if it does not."""
        if self.app.should_stop:
            return False, "the indexer is stopping"
        if not self._was_ready and not (self.broker_gate.open.is_set() and producer_started(self.app)):
            return False, "Kafka and its topics were not reached yet"
        self._was_ready = True
        return True, ""

    async def report(self) -> Mapping[str, Any]:
        """Return the report, within about a second."""
        stores, broker_answers = await asyncio.gather(
            self.store_connections.ping(PING_SECONDS), refresh_broker(self.app, PING_SECONDS)
        )
        stores["kafka"] = "ok" if broker_answers else "no answer"
        pool = self.processor_pool
        problems = [f"{store}: {state}" for store, state in stores.items() if state != "ok"]
        problems += [f"partition {name} halted: {reason}" for name, reason in pool.halted().items()]
        return {
            "status": "degraded" if problems else "ok",
            "worker": self.settings.worker_name,
            "problems": problems,
            "stores": stores,
            "delivery": {"unacked": pool.unacked(), "halted": pool.halted()},
        }


@dataclass(frozen=True)
class IndexerMetrics:
    """The parts of an indexer that have metrics."""

    info: Mapping[str, str]
    health: IndexerHealth
    indexer: Indexer
    streaming: StreamingParts
    calls: StoreCalls

    async def families(self) -> list[Metric]:
        """Return all metrics."""
        report = await self.health.report()
        return [
            family(metrics.WORKER_INFO, {tuple(self.info[label] for label in metrics.WORKER_INFO.labels): 1}),
            family(metrics.READY, self.health.ready()[0]),
            *_report_families(report),
            *search_families(self.indexer),
            *streaming_families(self.streaming),
            family(metrics.STORE_CALL_SECONDS, self.calls.seconds),
            family(metrics.STORE_ERRORS, self.calls.errors),
            *process_families(),
        ]


def _report_families(report: Mapping[str, Any]) -> Iterator[Metric]:
    yield family(metrics.STORE_UP, {store: state == "ok" for store, state in report["stores"].items()})
    yield family(metrics.PARTITION_HALTED, dict.fromkeys(report["delivery"]["halted"], 1))
    yield family(metrics.EVENTS_UNACKED, report["delivery"]["unacked"])


def search_families(indexer: Indexer) -> Iterator[Metric]:
    """Yield what was written into the index, and how soon."""
    yield family(metrics.SEARCH_DOCUMENTS, {str(kind): count for kind, count in indexer.written.items()})
    yield family(metrics.SEARCH_INDEX_SECONDS, indexer.seconds)
