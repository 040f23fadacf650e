"""What the fork server makes (tests/support/live/forked.py) ends and writes as the command line that it stands for."""

import os
import signal
import subprocess
import sys

import pytest

from tests.support.live.command import run_command
from tests.support.live.forked import Forked
from tests.support.waiting import DEADLINE_SECONDS

URL = "MICROBLOG_POSTGRES_URL"
#: A server that is not there.
ELSEWHERE = "postgresql://user:secret@127.0.0.1:1/nothing"


@pytest.fixture
def environment():
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MICROBLOG_")}
    return {**kept, URL: ELSEWHERE}


@pytest.mark.parametrize(
    ("arguments", "changed", "status"),
    [
        (["no-such-command"], {}, 2),
        (["worker"], {"MICROBLOG_SESSION_TIMEOUT": "soon"}, 3),
    ],
)
def test_it_ends_and_writes_as_python_itself(environment, arguments, changed, status):
    line = [sys.executable, "-m", "faust", "-A", "microblog_streams", *arguments]
    itself = subprocess.run(
        line, env={**environment, **changed}, stdin=subprocess.DEVNULL, capture_output=True, timeout=DEADLINE_SECONDS
    )

    forked = run_command({**environment, **changed}, *arguments)

    assert itself.returncode == status, itself.stderr
    assert forked == (status, itself.stdout, itself.stderr)


def test_it_is_a_process_of_its_own_that_signals_end(environment, tmp_path):
    sleeper = Forked(["-A", "tests.support.live.asleep", "worker"], environment, tmp_path / "log")
    with pytest.raises(subprocess.TimeoutExpired):
        sleeper.wait(0.1)
    assert (sleeper.poll(), sleeper.pid == os.getpid()) == (None, False)

    sleeper.kill()

    assert sleeper.wait(DEADLINE_SECONDS) == sleeper.poll() == -signal.SIGKILL
    sleeper.send_signal(signal.SIGTERM)
