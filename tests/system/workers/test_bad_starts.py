"""A worker that cannot work as it is set up says in one line why, and what to do; one that can wait, waits."""

import socket
from contextlib import closing

import psycopg2
import pytest

from microblog_streams.domain.topics import DEAD_LETTERS

#: The exit status of every expected failure.
EXPECTED = 3


@pytest.fixture
def refused(workers):
    """Starts a worker that must end by itself; returns the line with which it did."""

    def start(worker=None, **settings):
        worker = (worker or workers()).start(**settings)
        assert worker.ended() == EXPECTED, worker.tail()
        log = worker.log.read_text()
        assert "Traceback" not in log, log
        lines = [line for line in log.splitlines() if line.startswith("microblog: ")]
        assert len(lines) == 1, log
        return lines[0]

    return start


def test_a_taken_port_stops_the_start(refused, workers):
    """Python itself is started, as by a user."""
    worker = workers(forked=False)
    with closing(socket.create_server(("127.0.0.1", worker.port))):
        assert f"MICROBLOG_WEB_PORT: 127.0.0.1:{worker.port} is taken" in refused(worker)


def test_a_folder_in_use_by_another_worker_stops_the_start(refused, workers, eventually):
    first = workers().start()
    eventually(lambda: first.call("GET", "/health").status == 200, first)
    assert "give this one another MICROBLOG_WORKER" in refused(workers(name=first.name))


def test_an_unwritable_folder_stops_the_start(refused, tmp_path):
    (tmp_path / "file").write_text("in the way")
    data_dir = tmp_path / "file" / "data"
    line = refused(DATA_DIR=str(data_dir))
    assert "MICROBLOG_DATA_DIR" in line
    assert str(tmp_path / "file") in line


def test_a_wrong_password_stops_the_start(refused, migrated):
    url = migrated.settings.redis_url.get_secret_value().replace("redis://", "redis://:verysecret@")
    line = refused(REDIS_URL=url)
    assert "MICROBLOG_REDIS_URL" in line
    assert "verysecret" not in line


def test_a_missing_topic_stops_the_start(refused, migrate, kafka):
    kafka.remove(DEAD_LETTERS)
    try:
        assert f"topic {DEAD_LETTERS} is missing: run `faust -A microblog_streams migrate`" in refused()
    finally:
        migrate()


def test_a_missing_migration_stops_the_start(refused, migrated):
    """As one of the next release, before its ``migrate`` has run."""
    url, name = migrated.settings.postgres_url.get_secret_value(), "016_suspensions.sql"
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute("DELETE FROM schema_migrations WHERE name = %s", (name,))
        try:
            assert f"the database lacks {name}: run `faust -A microblog_streams migrate`" in refused()
        finally:
            cursor.execute("INSERT INTO schema_migrations (name) VALUES (%s)", (name,))


def test_the_number_of_partitions_comes_from_the_deployment(workers, eventually):
    worker = workers().start(PARTITIONS="5")
    eventually(lambda: worker.well() and set(worker.probe()["partitions"]) == set(range(8)), worker)


def test_a_wrong_setting_stops_the_start(refused):
    assert "MICROBLOG_SESSION_TIMEOUT" in refused(SESSION_TIMEOUT="soon")


def test_a_start_waits_for_kafka_and_goes_on_once_it_answers(workers, migrated, people, eventually):
    migrated.stack.pause("kafka")
    try:
        worker = workers().start()
        eventually(lambda: worker.call("GET", "/health").status == 200, worker)
        assert worker.call("GET", "/ready").status == 503
        eventually(lambda: "broker_awaited" in worker.log.read_text(), worker)
        assert worker.process.poll() is None
    finally:
        migrated.stack.resume("kafka")
    eventually(worker.well, worker)
    ann = people.register(worker)
    assert people.timeline(worker, ann) == []
