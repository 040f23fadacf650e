"""Folders for stacks, and a look at which processes live from one."""

import shutil
import tempfile
from pathlib import Path

import psutil
import pytest

from microblog_streams.local.reaper import wait_until
from tests.support.waiting import DEADLINE_SECONDS

DEADLINE = DEADLINE_SECONDS


@pytest.fixture
def folder():
    """A data folder below one that only its owner may enter."""
    parent = Path(tempfile.mkdtemp(prefix="microblog-test-"))
    yield parent / "data"
    shutil.rmtree(parent, ignore_errors=True)


@pytest.fixture
def processes(folder):
    """Names the processes that run on the folder: by command line, working folder or open files."""

    def on_folder():
        found = []
        for process in psutil.process_iter():
            try:
                command = process.cmdline()
                places = [*command, process.cwd(), *(file.path for file in process.open_files())]
            except psutil.Error:  # it has just ended
                continue
            if any(str(folder) in place for place in places):
                found.append(" ".join(command)[:200])
        return found

    return on_folder


@pytest.fixture
def eventually():
    """Waits for a condition, with a deadline."""

    def wait(condition):
        assert wait_until(condition, DEADLINE)

    return wait
