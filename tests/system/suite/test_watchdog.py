"""A test that hangs is a red test, and others are run and told of; also where nothing in Python can end it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PLUGINS = ("tests.support.watchdog", "pytest_asyncio.plugin", "pytest_timeout", "xdist")
#: Seconds after which a run that should have ended by itself is taken to hang.
TIMEOUT_SECONDS = 120

#: A connection that is left open, on the loop that workers run on.
LEFT_OPEN = """
import asyncio, socket
import pytest, uvloop

KEPT = []
asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())

@pytest.fixture
async def connected():
    server = socket.create_server(("127.0.0.1", 0))
    KEPT.extend([server, *await asyncio.open_connection(*server.getsockname())])
"""


@pytest.fixture
def run(tmp_path):
    """Run tests with the watchdog, a limit of a second each and the project's own settings; give what came of it."""

    def run(text, *options):
        (tmp_path / "test_it.py").write_text(text)
        shutil.copy(ROOT / "setup.cfg", tmp_path)
        plugins = [word for name in PLUGINS for word in ("-p", name)]
        line = [sys.executable, "-m", "pytest", *plugins, "--limit=1", "--grace=2", *options, "test_it.py"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        return subprocess.run(
            line, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
        )

    return run


@pytest.mark.parametrize("hang", ["time.sleep(600)", "await asyncio.Event().wait()"])
def test_a_test_that_hangs_is_red_and_the_others_are_run(run, hang):
    done = run(f"import asyncio, time\nasync def test_hangs():\n    {hang}\ndef test_other():\n    pass\n")
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert "Timeout (>1.0s) from pytest-timeout" in done.stdout
    assert "1 failed, 1 passed" in done.stdout


def test_a_fixture_that_hangs_is_an_error_and_the_others_are_run(run):
    done = run(
        "import asyncio, pytest\n@pytest.fixture\nasync def hangs():\n    await asyncio.Event().wait()\n"
        "async def test_it(hangs):\n    pass\ndef test_other():\n    pass\n"
    )
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert "1 passed, 1 error" in done.stdout


def test_a_hang_in_the_tear_down_of_a_red_test_ends_the_run_with_what_is_known(run):
    """pytest-timeout watches no longer once the set-up has failed."""
    done = run(
        "import pytest, time\n@pytest.fixture\ndef opened():\n    yield\n    time.sleep(600)\n"
        "@pytest.fixture\ndef used(opened):\n    raise OSError('no answer')\n"
        "def test_other():\n    assert 1 == 2\ndef test_it(used):\n    pass\n"
    )
    assert done.returncode == pytest.ExitCode.INTERNAL_ERROR
    assert "OSError: no answer" in done.stdout
    assert "assert 1 == 2" in done.stdout
    assert "the tear-down of test_it.py::test_it did not end" in done.stdout
    assert "1 failed, 1 error" in done.stdout
    assert 'test_it.py", line 5 in opened' in done.stderr  # where it hung


def test_a_connection_that_a_red_set_up_left_open_does_not_keep_the_loop(run):
    done = run(f"{LEFT_OPEN}    raise OSError('no answer')\nasync def test_it(connected):\n    pass\n")
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert "OSError: no answer" in done.stdout
    assert "1 error" in done.stdout


def test_a_connection_that_a_green_test_left_open_makes_the_run_red(run):
    done = run(f"{LEFT_OPEN}\nasync def test_it(connected):\n    pass\n")
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert "left open by test_it.py::test_it: unclosed resource <TCPTransport" in done.stdout


def test_a_thread_that_is_left_behind_does_not_keep_the_process(run):
    done = run("import threading, time\ndef test_it():\n    threading.Thread(target=time.sleep, args=(600,)).start()\n")
    assert "1 passed" in done.stdout
    assert done.returncode == 1
    assert "Timeout" in done.stderr


def test_a_hang_in_a_process_of_its_own_is_red_too(run):
    done = run("import time\ndef test_hangs():\n    time.sleep(600)\ndef test_other():\n    pass\n", "-n2")
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert "1 failed, 1 passed" in done.stdout


def test_a_test_may_have_a_limit_of_its_own(run):
    done = run("import pytest, time\n@pytest.mark.timeout(60)\ndef test_slow():\n    time.sleep(1.5)\n")
    assert done.returncode == 0, done.stdout
