"""A worker is ready when it serves REST and its tables are recovered; until then, what is awaited is said."""

import pytest

from microblog_streams.local import workers
from microblog_streams.local.workers import Page, awaited


@pytest.fixture
def worker(monkeypatch):
    """Stands for a worker: its answers by path."""
    pages = {}
    monkeypatch.setattr(workers, "get", lambda host, port, path: pages.get(path))
    return pages


def test_nothing_is_awaited_of_a_ready_worker_also_when_a_store_is_away(worker):
    worker["/ready"] = Page(200, {"status": "ready"})
    worker["/health"] = Page(200, {"status": "degraded", "tables": {"recovered": True}})
    assert awaited("127.0.0.1", 6066) is None


def test_a_worker_that_only_serves_rest_has_no_tables_to_wait_for(worker):
    worker["/ready"] = Page(200, {"status": "ready"})
    worker["/health"] = Page(200, {"status": "ok", "tables": {"recovered": None}})
    assert awaited("127.0.0.1", 6066) is None


def test_a_worker_without_answer_is_awaited(worker):
    assert awaited("127.0.0.1", 6066) == "its web server"


def test_the_reason_of_a_worker_that_is_not_ready_is_said(worker):
    worker["/ready"] = Page(503, {"detail": "Kafka does not answer."})
    assert awaited("127.0.0.1", 6066) == "Kafka does not answer."


@pytest.mark.parametrize("health", [None, Page(200, {"tables": {"recovered": False}}), Page(200, {}), Page(200, [])])
def test_tables_that_are_not_recovered_are_awaited(worker, health):
    worker["/ready"] = Page(200, {"status": "ready"})
    worker["/health"] = health
    assert awaited("127.0.0.1", 6066) == "its tables"


def test_a_port_without_a_listener_gives_no_page(unused_tcp_port):
    assert workers.get("127.0.0.1", unused_tcp_port, "/ready") is None
