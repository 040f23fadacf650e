"""The metrics of one worker: what its parts have counted, and what they say of themselves when they are asked.

Parts count in plain numbers; this module gives those the names of ``metrics.definitions``, at each scrape. Numbers
that ``/health`` shows too come from the same report, so that a number has one name and one meaning.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector
from prometheus_client.metrics_core import Metric

from microblog_streams.aio.failures import CircuitBreaker
from microblog_streams.cluster_status.health import Health, sizes
from microblog_streams.delivery.processor_pool import DeliveryCounts
from microblog_streams.delivery.progress import Commits, RebalanceClock, RecoveryState
from microblog_streams.domain.ids import clock_steps_back
from microblog_streams.metrics import definitions as metrics
from microblog_streams.metrics.exposition import family
from microblog_streams.metrics.store_calls import StoreCalls
from microblog_streams.operations import Operations
from microblog_streams.operations.timelines.read import AWAY
from microblog_streams.ports import TimelineState
from microblog_streams.services.audits import EdgeAudit, Reconciler
from microblog_streams.services.periodic_tasks import LoopWatch
from microblog_streams.stores.redis.timelines import PushCounts

#: Outcomes of rebuilds, and states of timelines that are read: each is shown from the start, at 0.
REBUILD_OUTCOMES = ("done", "failed", "cancelled")
READ_STATES = (*(state.value for state in TimelineState), AWAY)


@dataclass(frozen=True)
class StoreParts:
    """What the stores have counted. A circuit is None until its store was reached once."""

    calls: StoreCalls
    pushes: PushCounts
    circuits: Callable[[], Mapping[str, CircuitBreaker | None]]
    renewals: Callable[[], int]
    failed_pipelines: Callable[[], int]
    redis_runs: Callable[[], int]


@dataclass(frozen=True)
class StreamingParts:
    """What delivery has counted; a worker of the role ``web`` has none of it."""

    counts: DeliveryCounts
    rebalances: RebalanceClock
    commits: Callable[[], Commits]
    recovery: Callable[[], RecoveryState]
    databases: Callable[[], Mapping[int, Any]]


@dataclass(frozen=True)
class WorkerMetrics:
    """The parts of a worker that have metrics. ``streaming`` is None for the role ``web``."""

    info: Mapping[str, str]
    health: Health
    operations: Operations
    stores: StoreParts
    streaming: StreamingParts | None
    reconciler: Reconciler
    edge_audit: EdgeAudit
    loop_watch: LoopWatch

    async def families(self) -> list[Metric]:
        """Return all metrics, within about a second even if a store does not answer."""
        report, age = await asyncio.gather(self.health.report(), self.health.outbox_age())
        return [
            *worker_families(self.info, self.health, self.loop_watch),
            *health_families(report),
            family(metrics.OUTBOX_AGE, age),
            *timeline_families(self.operations, self.stores.pushes),
            *audit_families(self.reconciler, self.edge_audit),
            *(streaming_families(self.streaming) if self.streaming else ()),
            *store_families(self.stores),
            *process_families(),
        ]


def worker_families(info: Mapping[str, str], health: Health, loop_watch: LoopWatch) -> Iterator[Metric]:
    """Yield what concerns the worker as a whole."""
    yield family(metrics.WORKER_INFO, {tuple(info[label] for label in metrics.WORKER_INFO.labels): 1})
    yield family(metrics.READY, health.ready()[0])
    yield family(metrics.CLOCK_AHEAD, health.clock_watch.ahead)
    yield family(metrics.CLOCK_STEPS_BACK, clock_steps_back())
    yield family(metrics.DISK_FREE, health.disk_watch.free_bytes)
    yield family(metrics.EVENT_LOOP_LAG, loop_watch.lag)


def health_families(report: Mapping[str, Any]) -> Iterator[Metric]:
    """Yield what the content of ``/health`` says."""
    delivery, outbox, reconciler = report["delivery"], report["outbox"], report["reconciler"]
    yield family(metrics.STORE_UP, {store: state == "ok" for store, state in report["stores"].items()})
    yield family(metrics.PARTITION_HALTED, dict.fromkeys(delivery["halted"], 1))
    yield family(metrics.EVENTS_UNACKED, delivery["unacked"])
    yield family(metrics.STALE_ROWS, delivery["rowsInDoubt"])
    yield family(metrics.TABLES_RECOVERED, report["tables"]["recovered"])
    yield family(metrics.OUTBOX_DEPTH, outbox["depth"])
    yield family(metrics.RELAY_LEADING, outbox["leading"])
    yield family(metrics.DEAD_LETTERS_OPEN, report["deadLetters"]["open"])
    yield family(metrics.REQUESTS_LIMITED, {str(limit): count for limit, count in report["limits"]["refused"].items()})
    yield family(metrics.TIMELINES_CHECKED, reconciler["checked"])
    yield family(metrics.TIMELINES_REPAIRED, reconciler["repaired"])


def timeline_families(operations: Operations, pushes: PushCounts) -> Iterator[Metric]:
    """Yield what posts and timelines went through."""
    fan_out, reads, rebuilds = operations.fan_out.measures, operations.timelines.reads, operations.timelines.rebuilds
    yield family(metrics.DELIVERY_SECONDS, fan_out.seconds)
    yield family(metrics.FAN_OUT_FOLLOWERS, fan_out.followers)
    yield family(metrics.PUSHES, pushes.pushed)
    yield family(metrics.PUSHES_COLD, pushes.cold)
    yield family(metrics.PUSHES_LATE, pushes.late)
    yield family(metrics.TIMELINE_READS, {state: reads[state] for state in READ_STATES})
    yield family(metrics.REBUILD_SECONDS, rebuilds.seconds)
    yield family(metrics.REBUILDS, {outcome: rebuilds.ended[outcome] for outcome in REBUILD_OUTCOMES})
    yield family(metrics.REBUILDS_RUNNING, len(rebuilds.running))
    yield family(metrics.LIVE_READERS, operations.live.readers)


def audit_families(reconciler: Reconciler, edge_audit: EdgeAudit) -> Iterator[Metric]:
    """Yield what comparisons with the truth have found."""
    edges = edge_audit.counts
    yield family(metrics.TIMELINE_FINDINGS, reconciler.findings)
    yield family(metrics.EDGE_AUDITS, {"compared": edges.compared, "failed": edges.failed})
    yield family(metrics.EDGE_ROWS_COMPARED, edges.rows)
    yield family(metrics.EDGE_ROWS_LOST, edges.lost)


def streaming_families(parts: StreamingParts) -> Iterator[Metric]:
    """Yield how events, partitions and the followers table are."""
    commits, recovery, tables = parts.commits(), parts.recovery(), sizes(parts.databases())
    yield family(metrics.CONSUMER_LAG, commits.lag)
    yield family(metrics.COMMIT_AGE, commits.age_seconds)
    yield family(metrics.COMMIT_STANDSTILLS, commits.standstill_reports)
    yield family(metrics.EFFECTS_RETRIED, parts.counts.retries)
    yield family(metrics.EFFECTS_OUTLIVED, parts.counts.outlived)
    yield family(metrics.DEAD_LETTERS_WRITTEN, parts.counts.dead_letters)
    yield family(metrics.REBALANCES, parts.rebalances.count)
    yield family(metrics.UNASSIGNED_SECONDS, parts.rebalances.seconds)
    yield family(metrics.TABLE_ROWS, {str(size.partition): size.rows for size in tables})
    yield family(metrics.TABLE_BYTES, {str(size.partition): size.bytes for size in tables})
    yield family(metrics.RECOVERY_REMAINING, recovery.remaining)
    yield family(metrics.RECOVERY_ERRORS, recovery.errors)


def store_families(parts: StoreParts) -> Iterator[Metric]:
    """Yield how the stores served this worker."""
    circuits = {store: circuit for store, circuit in parts.circuits().items() if circuit is not None}
    yield family(metrics.STORE_CALL_SECONDS, parts.calls.seconds)
    yield family(metrics.STORE_ERRORS, parts.calls.errors)
    yield family(metrics.CIRCUIT_OPEN, {store: circuit.open for store, circuit in circuits.items()})
    yield family(metrics.CIRCUIT_OPENINGS, {store: circuit.openings for store, circuit in circuits.items()})
    yield family(metrics.REDIS_PIPELINES_FAILED, parts.failed_pipelines())
    yield family(metrics.REDIS_RENEWALS, parts.renewals())
    yield family(metrics.REDIS_RUNS, parts.redis_runs())


def process_families() -> Iterator[Metric]:
    """Yield the process's resources and its garbage collections, under Prometheus' usual names."""
    registry = CollectorRegistry()
    yield from ProcessCollector(registry=registry).collect()
    yield from GCCollector(registry=registry).collect()
