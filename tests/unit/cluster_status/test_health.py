"""Readiness and the health report, made from the parts of one worker."""

import asyncio
import math
from types import SimpleNamespace

import psycopg2.errors
import pytest

from microblog_streams.cluster_status.health import Health, LocalStatus
from microblog_streams.cluster_status.models import Size
from microblog_streams.config.settings import Settings
from microblog_streams.domain.errors import StoreUnavailable


def an_event(is_set):
    event = asyncio.Event()
    if is_set:
        event.set()
    return event


class Outbox:
    depth, seconds, error = 3, 2.5, None

    async def count(self):
        if self.error:
            raise self.error
        return self.depth

    async def age(self):
        await self.count()
        return self.seconds


class StoreConnections:
    def __init__(self):
        self.answers = {"postgres": "ok", "cassandra": "ok", "redis": "ok"}
        self.connected = {"postgres": an_event(True)}

    async def ping(self, timeout):
        return dict(self.answers)


@pytest.fixture
def health(monkeypatch):
    """The health of a worker that has started, with all stores available."""

    async def broker_answers(app, seconds):
        return app.producer.answers

    monkeypatch.setattr("microblog_streams.cluster_status.health.refresh_broker", broker_answers)
    return Health(
        app=SimpleNamespace(
            should_stop=False,
            producer_only=False,
            rebalancing=False,
            tables=SimpleNamespace(actives_ready=True),
            producer=SimpleNamespace(_producer=object(), answers=True),
        ),
        settings=Settings(_env_file=None),
        heartbeat=SimpleNamespace(deadline=math.inf),
        postgres=SimpleNamespace(warnings=["postgres: weak"]),
        redis=SimpleNamespace(warnings=[]),
        outbox=Outbox(),
        store_connections=StoreConnections(),
        broker_gate=SimpleNamespace(open=an_event(True)),
        disk_watch=SimpleNamespace(full=False),
        clock_watch=SimpleNamespace(wrong=False, ahead=0.0, words=lambda: ""),
        durability_watch=SimpleNamespace(warnings=["kafka: weak"]),
        dead_letter_watch=SimpleNamespace(open=0),
        outbox_relay=SimpleNamespace(leading=True),
        reconciler=SimpleNamespace(checked=5, repaired=0),
        processor_pool=SimpleNamespace(unacked=lambda: 7, halted=dict),
        stale_rows=[],
        rate_limiter=SimpleNamespace(refused={"posting": 1}),
    )


def test_a_started_worker_is_ready(health):
    assert health.ready() == (True, "")


def test_a_worker_that_stops_is_not_ready(health):
    health.app.should_stop = True
    assert health.ready() == (False, "the worker is stopping")


def test_a_worker_on_a_full_disk_is_not_ready(health):
    health.disk_watch.full = True
    assert health.ready() == (False, "the disk is full")


def test_a_worker_with_a_wrong_clock_is_not_ready(health):
    health.clock_watch.wrong, health.clock_watch.words = True, lambda: "the clock is 40 s fast"
    assert health.ready() == (False, "the clock is 40 s fast")


def test_a_start_waits_for_postgresql_the_clock_and_kafka(health):
    health.store_connections.connected["postgres"].clear()
    assert health.ready() == (False, "PostgreSQL was not reached yet")
    health.store_connections.connected["postgres"].set()
    health.clock_watch.ahead = None
    assert health.ready() == (False, "the clock was not compared with PostgreSQL's yet")
    health.clock_watch.ahead = 0.1
    health.broker_gate.open.clear()
    assert health.ready() == (False, "Kafka and its topics were not reached yet")


@pytest.mark.parametrize(("roles", "reason"), [("streams", "its tables are not recovered yet"), ("both", "")])
def test_a_worker_that_serves_no_rest_is_ready_once_it_delivers(health, roles, reason):
    """An orchestrator replaces the next worker once this one is ready."""
    health.settings = Settings(_env_file=None, roles=roles)
    health.app.tables.actives_ready = False
    assert health.ready() == (not reason, reason)
    health.app.tables.actives_ready = True
    assert health.ready() == (True, "")
    health.app.rebalancing = True
    assert health.ready() == (True, "")


def test_a_worker_stays_ready_while_a_store_is_unavailable(health):
    health.ready()
    health.store_connections.connected["postgres"].clear()
    health.broker_gate.open.clear()
    assert health.ready() == (True, "")


async def test_a_report_without_problems_is_ok(health):
    report = await health.report()
    assert (report["status"], report["problems"]) == ("ok", [])
    assert report["stores"] == {"postgres": "ok", "cassandra": "ok", "redis": "ok", "kafka": "ok"}
    assert report["delivery"] == {"unacked": 7, "halted": {}, "rowsInDoubt": 0}
    assert report["outbox"] == {"leading": True, "depth": 3}


async def test_warnings_leave_the_status_ok(health):
    health.dead_letter_watch.open = 2
    report = await health.report()
    assert report["status"] == "ok"
    assert [line.partition(":")[0] for line in report["warnings"]] == ["kafka", "postgres", "dead letters"]


async def test_a_report_lists_every_problem(health):
    health.store_connections.answers["redis"] = "no answer within 1.0 s"
    health.app.producer.answers = False
    health.processor_pool.halted = lambda: {"post.created-3": "offset 7: broken"}
    health.disk_watch.full = True
    health.app.rebalancing = True
    report = await health.report()
    assert report["status"] == "degraded"
    assert report["problems"] == [
        "redis: no answer within 1.0 s",
        "kafka: no answer",
        "partition post.created-3 halted: offset 7: broken",
        "disk: it is full, the tables take no rows",
        "tables: being recovered",
    ]


async def test_a_missed_heartbeat_is_a_problem(health):
    health.heartbeat.deadline = -math.inf
    [problem] = (await health.report())["problems"]
    assert problem.startswith("group: no heartbeat was answered in time")


async def test_a_worker_of_the_role_web_has_no_tables(health):
    health.app.producer_only = True
    health.heartbeat.deadline = -math.inf
    report = await health.report()
    assert (report["status"], report["tables"]) == ("ok", {"recovered": None, "rebalancing": False})


async def test_the_depth_of_the_outbox_is_unknown_without_postgresql(health):
    health.outbox.error = StoreUnavailable("postgres", "gone")
    report = await health.report()
    assert (report["outbox"], report["problems"]) == ({"leading": True, "depth": None}, [])
    assert await health.outbox_age() is None


async def test_an_outbox_that_cannot_be_read_is_a_problem_beside_the_others(health):
    health.store_connections.answers["redis"] = "gone"
    health.outbox.error = psycopg2.errors.InsufficientPrivilege("permission denied for table outbox")
    report = await health.report()
    assert report["problems"] == ["redis: gone", "outbox: it cannot be read (InsufficientPrivilege)"]
    assert (report["outbox"]["depth"], await health.outbox_age()) == (None, None)


@pytest.mark.parametrize(("seconds", "age"), [(2.5, 2.5), (None, 0.0)])
async def test_the_age_of_an_empty_outbox_is_zero(health, seconds, age):
    health.outbox.seconds = seconds
    assert await health.outbox_age() == age


async def test_the_local_status_has_the_sizes_of_open_partitions(health):
    numbers = {
        "rocksdb.estimate-num-keys": 20,
        "rocksdb.live-sst-files-size": 300,
        "rocksdb.size-all-mem-tables": 40,
    }
    table = SimpleNamespace(databases={2: SimpleNamespace(property_int_value=numbers.get)})
    report = await LocalStatus("w1", health, table).report()
    assert (report.worker, report.unacked, report.sizes) == ("w1", 7, (Size(2, 20, 340),))
