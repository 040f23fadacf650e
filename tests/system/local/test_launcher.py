"""``python -m microblog_streams.local infra``, all four parts: however it ends, nothing is left or lost."""

import os
import subprocess
import sys
from contextlib import suppress

import psutil
import psycopg2
import pytest
import redis

from microblog_streams.config.settings import Settings
from microblog_streams.local.reaper import is_alive

pytestmark = pytest.mark.integration

INFRA = [sys.executable, "-m", "microblog_streams.local", "infra"]
#: A parent that starts the launcher and waits, as make does.
PARENT = [sys.executable, "-c", f"import subprocess; subprocess.run({INFRA!r})"]


@pytest.fixture
def launched(folder):
    """Starts a command with the folder as data folder, and waits until it says that the stack is ready."""
    started = []

    def launch(command):
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MICROBLOG_")}
        environment = {**kept, "MICROBLOG_DATA_DIR": str(folder), "PYTHONUNBUFFERED": "1"}
        launcher = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        started.append(launcher)
        assert any(line.startswith("ready") for line in launcher.stdout)
        return launcher

    yield launch
    for launcher in started:
        launcher.kill()
        launcher.wait()
        launcher.stdout.close()


def execute(settings, statement):
    connection = psycopg2.connect(settings.postgres_url.get_secret_value())
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else None
    finally:
        connection.close()


@pytest.fixture
def keep(folder):
    """Stores something in Valkey and PostgreSQL; gives a check that it is there, under the same settings."""

    def store():
        before = Settings(_env_file=folder / "stack.env", data_dir=folder)
        with redis.Redis.from_url(before.redis_url.get_secret_value()) as valkey:
            valkey.set("key", "value")
            assert valkey.waitaof(1, 0, 2_000)[0] == 1
        execute(before, "CREATE TABLE kept AS SELECT 42 AS number")

        def check():
            assert Settings(_env_file=folder / "stack.env", data_dir=folder) == before
            with redis.Redis.from_url(before.redis_url.get_secret_value()) as valkey:
                assert valkey.get("key") == b"value"
            assert execute(before, "SELECT number FROM kept") == [(42,)]

        return check

    return store


def kill_launcher_and_reaper(launcher, eventually):
    """End both, as ``pkill -9 python`` does; return the servers, which outlive them."""
    commands = {}
    for process in psutil.Process(launcher.pid).children(recursive=True):
        with suppress(psutil.Error):  # what makes an archive of classes ends by itself
            commands[process] = " ".join(process.cmdline())
    python = [process for process, command in commands.items() if "reaper.py" in command]
    servers = [process for process in commands if process not in python and "-Xshare:dump" not in commands[process]]
    assert len(python) == 1
    assert len(servers) >= 4
    launcher.kill()
    python[0].kill()
    eventually(lambda: not any(map(is_alive, (launcher.pid, python[0].pid))))
    assert all(map(is_alive, (process.pid for process in servers))), "nothing was left to end"
    return servers


def test_kill_9_of_launcher_and_reaper_or_of_the_parent_leaves_no_process_and_all_data(
    keep, launched, processes, eventually
):
    """One folder for both, because each start of four parts takes seconds; the launcher alone: tests/soak."""
    launcher = launched(INFRA)
    check = keep()
    assert len(processes()) >= 4
    servers = kill_launcher_and_reaper(launcher, eventually)

    parent = launched(PARENT)
    assert not any(process.is_running() for process in servers), "the next start ends what outlived its launcher"
    check()
    [launcher] = psutil.Process(parent.pid).children()
    parent.kill()  # as when make is killed
    eventually(lambda: not processes() and not is_alive(launcher.pid))
