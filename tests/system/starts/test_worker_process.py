"""A process starts itself again once, and its stop has a time limit; each test starts a process."""

import subprocess
import sys

import pytest

from tests.support.waiting import DEADLINE_SECONDS

#: Says that it runs; then starts again, the first time only (the file is gone then), with ``{asked}`` in between.
PROGRAM = """
import asyncio, pathlib, signal, sys
from microblog_streams.services.worker_process import start_again

async def work():
    try:
        first.unlink()
        start_again()
        await asyncio.Event().wait()
    finally:
        {asked}
        for _ in range(3):  # the loop reads of the signal in its next turn
            await asyncio.sleep(0)

first = pathlib.Path(sys.argv[1])
print("runs", flush=True)
if first.exists():
    asyncio.run(work())
"""


#: What keeps a stop for ever.
HANGS = {
    "a thread": "import threading; threading.Thread(target=lambda: threading.Event().wait()).start()",
    "a loop that waits for a transport": """
import asyncio, socket, uvloop
server = socket.create_server(("127.0.0.1", 0))
with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
    kept = runner.run(asyncio.open_connection(*server.getsockname()))
""",
    "a task that loses its cancellation": """
import asyncio
async def cling():
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            pass
async def main():
    asyncio.create_task(cling())
    await asyncio.sleep(0)
asyncio.run(main())
""",
}


@pytest.mark.parametrize("hang", HANGS)
def test_a_stop_that_hangs_is_ended_and_tells_where_it_hung(hang):
    program = f"from microblog_streams.services.worker_process import end_within\nend_within(1)\n{HANGS[hang]}"
    command = [sys.executable, "-W", "error::ResourceWarning", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=False)
    assert done.returncode == 1
    assert "Timeout (0:00:01)!" in done.stderr
    assert "most recent call first" in done.stderr


def test_one_that_does_not_is_left_alone():
    program = "from microblog_streams.services.worker_process import end_within\nend_within(60)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture
def runs(tmp_path):
    """Run the program; return how often it ran, and its exit status."""
    first = tmp_path / "first"
    first.touch()

    def run(asked):
        command = [sys.executable, "-c", PROGRAM.format(asked=asked), str(first)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=False)
        assert done.stderr == ""
        return done.stdout.count("runs"), done.returncode

    return run


def test_a_process_starts_again(runs):
    assert runs("pass") == (2, 0)


@pytest.mark.parametrize("asked", ["SIGTERM", "SIGINT"])
def test_it_does_not_where_it_is_asked_to_end(runs, asked):
    assert runs(f"signal.raise_signal(signal.{asked})") == (1, 0)
