"""What of the user's environment reaches servers and workers: what is listed, and nothing else."""

import os
from pathlib import Path

import pytest

from microblog_streams.local.java import flags
from microblog_streams.local.process import server_environment, worker_environment
from microblog_streams.local.server import ServerPaths
from microblog_streams.local.stack import PARTS

#: What was seen to end or to change a server, or belongs to others.
ASTRAY = {
    "LANG": "tr_TR.UTF-8",
    "LC_ALL": "tr_TR.UTF-8",
    "LANGUAGE": "tr",
    "_JAVA_OPTIONS": "-Xmx1m",
    "JAVA_TOOL_OPTIONS": "-Xmx1m",
    "JDK_JAVA_OPTIONS": "-Xmx1m",
    "CLASSPATH": "/elsewhere",
    "LD_PRELOAD": "/elsewhere.so",
    "LD_AUDIT": "/elsewhere.so",
    "PGDATA": "/elsewhere",
    "PGPORT": "1",
    "PGOPTIONS": "-c fsync=off",
    "KAFKA_OPTS": "-Dx=y",
    "KAFKA_HEAP_OPTS": "-Xmx1m",
    "CASSANDRA_CONF": "/elsewhere",
    "PYTHONPATH": "/elsewhere",
    "PYTHONSTARTUP": "/elsewhere.py",
    "BROKER_URL": "kafka://elsewhere",
    "http_proxy": "http://elsewhere",
    "MALLOC_PERTURB_": "1",
    "ENV": "/elsewhere.sh",
    "BASH_ENV": "/elsewhere.sh",
}


def astray(environment):
    return {name for name, value in ASTRAY.items() if environment.get(name) == value}


@pytest.fixture
def users(monkeypatch):
    """The environment of a user who has set all of it."""
    for name, value in ASTRAY.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MICROBLOG_WEB_PORT", "7000")
    return os.environ


@pytest.mark.parametrize("kind", PARTS, ids=lambda kind: kind.name)
def test_no_server_sees_any_of_it(users, tmp_path, kind):
    environment = kind(ServerPaths(tmp_path, tmp_path, {})).environment()
    assert astray(environment) == set()
    assert set(environment) <= {"PATH", "TZ", "HOME", "LANG", "LC_ALL", "CLASSPATH"}


def test_a_server_gets_a_home_of_its_own_and_messages_in_english():
    environment = server_environment(Path("/data/kafka"), {"PATH": "/bin", "HOME": "/home/josé"})
    assert environment == {"PATH": "/bin", "HOME": "/data/kafka", "LC_ALL": "C.UTF-8", "LANG": "C.UTF-8"}


def test_a_server_finds_programs_also_where_there_is_no_path():
    assert server_environment(Path("/data"), {})["PATH"] == os.defpath


def test_a_worker_sees_the_settings_and_none_of_it(users):
    environment = worker_environment()
    assert astray(environment) == set()
    assert environment["MICROBLOG_WEB_PORT"] == "7000"
    assert environment["LC_ALL"] == "C.UTF-8"


def test_a_worker_gets_what_the_running_python_was_started_with():
    given = {name: name for name in ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "TZ")}
    assert given.items() <= worker_environment(given).items()


def test_a_jvm_is_told_the_language_that_its_servers_were_tested_in():
    assert {"-Duser.language=en", "-Duser.country=US", "-Dsun.jnu.encoding=UTF-8"} <= set(flags(1, Path("/tmp")))
