"""A process that starts again does so once, and not where somebody asks it to end meanwhile."""

import subprocess
import sys

import pytest

#: Says that it runs; then starts again, the first time only (the file is gone then), with ``{asked}`` in between.
PROGRAM = """
import asyncio, pathlib, signal, sys
from microblog_streams.services.stopping import start_again

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


@pytest.fixture
def runs(tmp_path):
    """Run the program; return how often it ran, and its exit status."""
    first = tmp_path / "first"
    first.touch()

    def run(asked):
        command = [sys.executable, "-c", PROGRAM.format(asked=asked), str(first)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.stderr == ""
        return done.stdout.count("runs"), done.returncode

    return run


def test_a_process_starts_again(runs):
    assert runs("pass") == (2, 0)


@pytest.mark.parametrize("asked", ["SIGTERM", "SIGINT"])
def test_it_does_not_where_it_is_asked_to_end(runs, asked):
    assert runs(f"signal.raise_signal(signal.{asked})") == (1, 0)
