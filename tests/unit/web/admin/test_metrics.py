"""The metrics of the health report and of the connections: each value has its name, unknown values are left out."""

import pytest
from prometheus_client import CollectorRegistry

from web.admin.metrics import ConnectionCollector, HealthCollector
from web.server.connection_limits import ConnectionLimits, CutReason
from web.server.limits import Limits


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


@pytest.fixture
def registry(report):
    registry = CollectorRegistry()
    registry.register(HealthCollector(report, ready=True))
    return registry


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("microblog_ready", 1),
        ("microblog_events_unacked", 7),
        ("microblog_rows_in_doubt", 2),
        ("microblog_outbox_depth", 5),
        ("microblog_relay_leading", 0),
        ("microblog_tables_recovered", 1),
        ("microblog_dead_letters_open", 3),
        ("microblog_timelines_checked_total", 40),
        ("microblog_timelines_repaired_total", 1),
    ],
)
def test_each_number_has_its_name(registry, name, value):
    assert registry.get_sample_value(name) == value


def test_a_store_is_up_only_if_it_answers(registry):
    assert registry.get_sample_value("microblog_store_up", {"store": "redis"}) == 1
    assert registry.get_sample_value("microblog_store_up", {"store": "kafka"}) == 0


def test_a_halted_partition_processor_is_named(registry):
    assert registry.get_sample_value("microblog_lane_halted", {"lane": "post.created:3"}) == 1


@pytest.mark.parametrize(("budget", "count"), [("posting", 2), ("signing-in", 0)])
def test_refused_requests_are_counted_by_budget(registry, budget, count):
    assert registry.get_sample_value("microblog_requests_limited_total", {"budget": budget}) == count


@pytest.mark.parametrize(
    ("section", "name", "metric"),
    [
        ("outbox", "depth", "microblog_outbox_depth"),
        ("deadLetters", "open", "microblog_dead_letters_open"),
        ("tables", "recovered", "microblog_tables_recovered"),
    ],
)
def test_what_is_not_known_is_not_there(registry, report, section, name, metric):
    report[section][name] = None
    assert registry.get_sample_value(metric) is None


@pytest.mark.parametrize(
    ("name", "labels", "value"),
    [
        ("microblog_connections", {}, 2),
        ("microblog_connections_refused_total", {"reason": "address"}, 1),
        ("microblog_connections_refused_total", {"reason": "total"}, 0),
        ("microblog_connections_cut_total", {"reason": "head"}, 1),
        ("microblog_connections_cut_total", {"reason": "send"}, 0),
    ],
)
def test_each_count_of_connections_has_its_name(name, labels, value):
    connections = ConnectionLimits(Limits(connections_per_address=1))
    for address in ["a", "a", "b"]:
        connections.enter(address)
    connections.cut[CutReason.HEAD] += 1
    registry = CollectorRegistry()

    registry.register(ConnectionCollector(connections))

    assert registry.get_sample_value(name, labels) == value
