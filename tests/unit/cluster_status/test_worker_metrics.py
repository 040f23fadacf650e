"""Each number of a worker's parts has its name; what is not known has none."""

from collections import Counter
from types import SimpleNamespace

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.registry import Collector

from microblog_streams.aio.failures import CircuitBreaker
from microblog_streams.cluster_status import worker_metrics
from microblog_streams.cluster_status.worker_metrics import StoreParts, StreamingParts, WorkerMetrics
from microblog_streams.delivery.processor_pool import DeliveryCounts
from microblog_streams.delivery.progress import Commits, RebalanceClock, RecoveryState
from microblog_streams.domain.errors import BrokerUnavailable, Busy, NoAnswer, NotMine, OutcomeUnknown
from microblog_streams.domain.measures import REBUILD_SECONDS, Histogram
from microblog_streams.metrics.definitions import CHAPTERS
from microblog_streams.metrics.store_calls import StoreCalls, measured
from microblog_streams.operations.fan_out import FanOutMeasures
from microblog_streams.services.audits import EdgeAuditCounts
from microblog_streams.services.periodic_tasks import LoopWatch
from microblog_streams.stores.redis.timelines import PushCounts

INFO = {"worker": "w1", "version": "0.1.0", "roles": "both", "generation": "2"}


class Collected(Collector):
    """Families that were collected already."""

    def __init__(self, families):
        self.families = list(families)

    def collect(self):
        return self.families


def sampled(families):
    """Return a function that finds a sample's value by name and labels, None where there is no such sample."""
    registry = CollectorRegistry()
    registry.register(Collected(families))
    return registry.get_sample_value


@pytest.fixture
def report():
    return {
        "stores": {"redis": "ok", "kafka": "no connection"},
        "tables": {"recovered": True, "rebalancing": False},
        "delivery": {"unacked": 7, "halted": {"post.created:3": "no passing reason"}, "rowsInDoubt": 2},
        "outbox": {"leading": False, "depth": 5},
        "limits": {"refused": {"posting": 2, "signing-in": 0}},
        "reconciler": {"checked": 40, "repaired": 1},
        "deadLetters": {"open": 3},
    }


@pytest.mark.parametrize(
    ("name", "labels", "value"),
    [
        ("microblog_events_unacked", {}, 7),
        ("microblog_rows_in_doubt", {}, 2),
        ("microblog_outbox_depth", {}, 5),
        ("microblog_relay_leading", {}, 0),
        ("microblog_tables_recovered", {}, 1),
        ("microblog_dead_letters_open", {}, 3),
        ("microblog_timelines_checked_total", {}, 40),
        ("microblog_timelines_repaired_total", {}, 1),
        ("microblog_store_up", {"store": "redis"}, 1),
        ("microblog_store_up", {"store": "kafka"}, 0),
        ("microblog_lane_halted", {"lane": "post.created:3"}, 1),
        ("microblog_requests_limited_total", {"budget": "posting"}, 2),
        ("microblog_requests_limited_total", {"budget": "signing-in"}, 0),
    ],
)
def test_each_number_of_the_health_report_has_its_name(report, name, labels, value):
    assert sampled(worker_metrics.health_families(report))(name, labels) == value


@pytest.mark.parametrize(
    ("section", "name", "metric"),
    [
        ("outbox", "depth", "microblog_outbox_depth"),
        ("deadLetters", "open", "microblog_dead_letters_open"),
        ("tables", "recovered", "microblog_tables_recovered"),
    ],
)
def test_what_the_report_does_not_know_is_not_there(report, section, name, metric):
    report[section][name] = None
    assert sampled(worker_metrics.health_families(report))(metric) is None


def health(report=None, ready=True, ahead=0.0):
    async def age():
        return 2.5

    return SimpleNamespace(
        report=report,
        ready=lambda: (ready, ""),
        outbox_age=age,
        clock_watch=SimpleNamespace(ahead=ahead),
        disk_watch=SimpleNamespace(free_bytes=5_000_000),
    )


async def test_the_worker_says_who_it_is_and_how_its_clock_disk_and_loop_are():
    watch = LoopWatch()
    watch.lag.observe(0.2)

    sample = sampled(worker_metrics.worker_families(INFO, health(ahead=-0.5), watch))

    assert sample("microblog_worker_info", INFO) == 1
    assert sample("microblog_ready") == 1
    assert sample("microblog_clock_ahead_seconds") == -0.5
    assert sample("microblog_clock_steps_back_total") is not None
    assert sample("microblog_disk_free_bytes") == 5_000_000
    assert sample("microblog_event_loop_lag_seconds_bucket", {"le": "0.25"}) == 1


def test_a_clock_that_was_not_compared_has_no_sample():
    sample = sampled(worker_metrics.worker_families(INFO, health(ready=False, ahead=None), LoopWatch()))
    assert sample("microblog_clock_ahead_seconds") is None


@pytest.fixture
def operations():
    rebuilds = SimpleNamespace(
        seconds=Histogram(REBUILD_SECONDS), ended=Counter(done=4, failed=1), running={1: None, 2: None}
    )
    timelines = SimpleNamespace(reads=Counter(complete=9, away=1), rebuilds=rebuilds)
    fan_out, live = SimpleNamespace(measures=FanOutMeasures()), SimpleNamespace(readers=3)
    return SimpleNamespace(fan_out=fan_out, timelines=timelines, live=live)


def test_each_number_of_posts_and_timelines_has_its_name(operations):
    operations.fan_out.measures.seconds.observe(0.3)
    operations.fan_out.measures.followers.observe(20)
    operations.timelines.rebuilds.seconds.observe(2.0)

    sample = sampled(worker_metrics.timeline_families(operations, PushCounts(pushed=21, cold=6, late=2)))

    assert sample("microblog_delivery_seconds_bucket", {"le": "0.25"}) == 0
    assert sample("microblog_delivery_seconds_bucket", {"le": "0.5"}) == 1
    assert sample("microblog_fan_out_followers_sum") == 20
    assert [sample(f"microblog_pushes{kind}_total") for kind in ("", "_cold", "_late")] == [21, 6, 2]
    assert sample("microblog_timeline_reads_total", {"state": "complete"}) == 9
    assert sample("microblog_timeline_reads_total", {"state": "cold"}) == 0
    assert sample("microblog_timeline_reads_total", {"state": "away"}) == 1
    assert sample("microblog_rebuild_seconds_sum") == 2.0
    assert sample("microblog_rebuilds_total", {"outcome": "done"}) == 4
    assert sample("microblog_rebuilds_total", {"outcome": "cancelled"}) == 0
    assert sample("microblog_rebuilds_running") == 2
    assert sample("microblog_live_readers") == 3


def test_each_number_of_the_audits_has_its_name():
    reconciler = SimpleNamespace(findings=Counter(missing=2, stray=0))
    edge_audit = SimpleNamespace(counts=EdgeAuditCounts(compared=8, failed=1, rows=900, lost=3))

    sample = sampled(worker_metrics.audit_families(reconciler, edge_audit))

    assert sample("microblog_timeline_findings_total", {"kind": "missing"}) == 2
    assert sample("microblog_timeline_findings_total", {"kind": "stray"}) == 0
    assert sample("microblog_edge_audits_total", {"outcome": "compared"}) == 8
    assert sample("microblog_edge_audits_total", {"outcome": "failed"}) == 1
    assert sample("microblog_edge_rows_compared_total") == 900
    assert sample("microblog_edge_rows_lost_total") == 3


@pytest.fixture
def streaming():
    database = SimpleNamespace(property_int_value=lambda name: 40 if "keys" in name else 1_000)
    return StreamingParts(
        DeliveryCounts(outlived=2, dead_letters=1),
        RebalanceClock(count=3),
        commits=lambda: Commits({("events", "0"): 5, ("events", "1"): None}, {("events", "0"): 70.0}, 4),
        recovery=lambda: RecoveryState(remaining=12, errors=1),
        databases=lambda: {6: database},
    )


def test_each_number_of_delivery_has_its_name(streaming):
    place = {"topic": "events", "partition": "0"}

    sample = sampled(worker_metrics.streaming_families(streaming))

    assert sample("microblog_consumer_lag_records", place) == 5
    assert sample("microblog_consumer_lag_records", {**place, "partition": "1"}) is None
    assert sample("microblog_commit_age_seconds", place) == 70
    assert sample("microblog_commit_standstills_total") == 4
    assert sample("microblog_effects_outlived_lease_total") == 2
    assert sample("microblog_dead_letters_written_total") == 1
    assert sample("microblog_rebalances_total") == 3
    assert sample("microblog_unassigned_seconds_total") == 0
    assert sample("microblog_table_rows", {"partition": "6"}) == 40
    assert sample("microblog_table_bytes", {"partition": "6"}) == 2_000
    assert sample("microblog_recovery_remaining_records") == 12
    assert sample("microblog_recovery_errors_total") == 1


@pytest.mark.parametrize(
    ("failure", "store"),
    [
        (NoAnswer("redis", "silence"), "redis"),
        (BrokerUnavailable("no connection"), "kafka"),
        (OutcomeUnknown("not confirmed"), "kafka"),
        (NotMine("rebalanced"), "lease"),
        (Busy("locked"), "busy"),
        (KeyError("a"), "defect"),
    ],
)
def test_a_retry_is_counted_by_what_it_waits_for(streaming, failure, store):
    streaming.counts.retried(failure)
    sample = sampled(worker_metrics.streaming_families(streaming))
    assert sample("microblog_effects_retried_total", {"store": store}) == 1


@pytest.fixture
def store_parts():
    circuit = CircuitBreaker("redis", lambda: None)
    circuit.openings = 2
    return StoreParts(
        StoreCalls(),
        PushCounts(),
        circuits=lambda: {"redis": circuit, "postgres": None},
        renewals=lambda: 3,
        failed_pipelines=lambda: 4,
        redis_runs=lambda: 5,
    )


async def test_each_number_of_the_stores_has_its_name(store_parts):
    class Silent:
        async def read(self):
            raise NoAnswer("redis", "silence")

    with pytest.raises(NoAnswer):
        await measured(store_parts.calls, "redis", "shelf", Silent()).read()
    operation = {"store": "redis", "operation": "shelf.read"}

    sample = sampled(worker_metrics.store_families(store_parts))

    assert sample("microblog_store_call_seconds_count", operation) == 1
    assert sample("microblog_store_errors_total", {**operation, "error": "silent"}) == 1
    assert sample("microblog_circuit_open", {"store": "redis"}) == 0
    assert sample("microblog_circuit_openings_total", {"store": "redis"}) == 2
    assert sample("microblog_redis_pipelines_failed_total") == 4
    assert sample("microblog_redis_renewals_total") == 3
    assert sample("microblog_redis_runs_total") == 5


def test_a_circuit_of_a_store_that_was_not_reached_yet_is_not_there(store_parts):
    assert sampled(worker_metrics.store_families(store_parts))("microblog_circuit_open", {"store": "postgres"}) is None


def test_the_process_has_its_usual_names():
    sample = sampled(worker_metrics.process_families())
    assert sample("process_resident_memory_bytes") > 0
    assert sample("python_gc_collections_total", {"generation": "2"}) is not None


@pytest.fixture
def whole(report, operations, store_parts, streaming):
    """Return the names of all families of a worker with or without delivery."""

    async def names(parts):
        async def get_report():
            return report

        reconciler = SimpleNamespace(findings=Counter())
        edge_audit = SimpleNamespace(counts=EdgeAuditCounts())
        metrics = WorkerMetrics(
            INFO,
            health(get_report),
            operations,
            store_parts,
            parts,
            reconciler,
            edge_audit,
            LoopWatch(),
        )
        families = await metrics.families()
        assert sampled(families)("microblog_outbox_age_seconds") == 2.5
        return {f"{each.name}_total" if each.type == "counter" else each.name for each in families}

    return names


#: Those that the web server counts.
OF_THE_SERVER = {
    "microblog_http_request_seconds",
    "microblog_connections",
    "microblog_connections_refused_total",
    "microblog_connections_cut_total",
}


#: Those that the search indexer shows.
OF_THE_INDEXER = {"microblog_search_documents_total", "microblog_search_index_seconds"}


async def test_a_worker_shows_every_metric_that_is_defined(whole, streaming):
    defined = {each.name for chapter in CHAPTERS.values() for each in chapter}
    shown = {name for name in await whole(streaming) if name.startswith("microblog_")}
    assert shown == defined - OF_THE_SERVER - OF_THE_INDEXER


async def test_a_worker_of_the_role_web_shows_nothing_of_delivery(whole):
    assert "microblog_consumer_lag_records" not in await whole(None)
