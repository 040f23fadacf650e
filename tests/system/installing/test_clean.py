"""``make clean`` spares the data; ``make clean-data`` asks, and spares a stack that runs."""

import fcntl
import os
import subprocess

import pytest

pytestmark = pytest.mark.integration


@pytest.fixture
def data(project):
    """The folders of a run and of a demo."""
    folders = [project.folder / ".data", project.folder / ".data-demo"]
    for folder in folders:
        (folder / "kafka").mkdir(parents=True)
    return folders


@pytest.fixture
def started_on():
    """Starts a server that has inherited a data folder's lock; the launcher that wrote its id there is gone."""
    servers = []

    def start(folder):
        with (folder / "stack.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            lock.write("2000000001 born")
            servers.append(subprocess.Popen(["sleep", "300"], pass_fds=[lock.fileno()]))

    yield start
    for server in servers:
        server.kill()
        server.wait()


def test_clean_removes_the_virtual_environment_and_spares_the_data(project, data):
    project.has_environment()
    assert project.make("clean")[0] == 0
    assert not (project.folder / ".venv").exists()
    assert all((folder / "kafka").exists() for folder in data)


@pytest.mark.parametrize("answer", ["", "\n", "n\n", "yes?\n"])
def test_clean_data_removes_nothing_without_a_yes(project, data, answer):
    status, said = project.make("clean-data", stdin=answer)
    assert status != 0
    assert "Nothing was removed" in said
    assert all((folder / "kafka").exists() for folder in data)


def test_clean_data_removes_it_after_a_yes(project, data):
    assert project.make("clean-data", stdin="y\n")[0] == 0
    assert not any(folder.exists() for folder in data)


def test_clean_data_spares_servers_that_run_on_without_their_launcher(project, data, started_on):
    """As after ``pkill -9 python``: what is written in the lock is the id of a launcher that has ended."""
    started_on(data[1])
    status, said = project.make("clean-data", stdin="y\n")
    assert status != 0
    assert "A stack runs on .data-demo: stop it first" in said
    assert all((folder / "kafka").exists() for folder in data)


def test_clean_data_spares_a_stack_that_was_started_while_it_asked(project, data, started_on):
    with project.asks("clean-data") as answer:
        started_on(data[0])
        status, said = answer("y\n")
    assert status != 0
    assert "A stack runs on .data: stop it first" in said
    assert all((folder / "kafka").exists() for folder in data)


def test_clean_data_takes_no_notice_of_a_stack_that_has_ended(project, data):
    """Also where its process id is another's by now."""
    (data[0] / "stack.lock").write_text(f"{os.getpid()} born")
    assert project.make("clean-data", stdin="y\n")[0] == 0
    assert not any(folder.exists() for folder in data)
