"""Programs of ours as processes that are spared the imports: forked from a server that has made them once.

The imports are most of what a worker's start and a short command cost. multiprocessing's fork server imports the
modules of ``PRELOADED``, which read no settings, and opens nothing. Each program then is ``python -m faust`` with its
own command line, environment and output. Tests of what happens before and during the imports start Python itself.
"""

import atexit
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from multiprocessing.connection import wait
from multiprocessing.context import ForkServerContext
from pathlib import Path

ROOT = Path(__file__).parents[3]
PRELOADED = "tests.support.live.preloaded"
#: multiprocessing reads the status of a process once, from a pipe, and at each start those of all others.
_LOCK = threading.Lock()
#: The list that defaults of functions keep (Faust's, and ours), which multiprocessing puts another in place of.
_ARGUMENTS = sys.argv


class Forked:
    """``python -m faust`` with these arguments; it begins at once. Its methods are those of ``subprocess.Popen``.

    Output is appended to the files ``stdout`` and ``stderr``; there is nothing to read.
    """

    def __init__(
        self, arguments: Sequence[str], environment: Mapping[str, str], stdout: Path, stderr: Path | None = None
    ) -> None:
        outputs = (str(stdout), str(stderr or stdout))
        for path in outputs:
            Path(path).touch()
        self._process = _context().Process(target=run, args=(list(arguments), dict(environment), outputs), daemon=True)
        with _LOCK:
            self._process.start()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        return self.poll()

    def poll(self) -> int | None:
        with _LOCK:
            return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Return how it ended. Raises TimeoutExpired where it has not within ``timeout`` seconds."""
        wait([self._process.sentinel], timeout)
        status = self.poll()
        if status is None:
            assert timeout is not None
            raise subprocess.TimeoutExpired(str(self._process.name), timeout)
        return status

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([PRELOADED])
    return context


def run(arguments: Sequence[str], environment: Mapping[str, str], outputs: tuple[str, str]) -> None:
    """Become the program, in a process that was forked for it."""
    assert PRELOADED in sys.modules, "the fork server could not import what it is to spare the programs"
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)
    _redirect(*outputs)
    sys.orig_argv = [sys.executable, "-m", "faust", *arguments]  # a worker that starts itself anew reads it
    _ARGUMENTS[:] = ["faust", *arguments]
    sys.argv = _ARGUMENTS
    from faust.cli.faust import cli

    try:
        cli(prog_name="python -m faust")
    finally:  # multiprocessing leaves out what Python does at its end: a worker's last line, and its start anew
        threading._shutdown()
        atexit._run_exitfuncs()


def _redirect(stdout: str, stderr: str) -> None:
    for number, path in ((1, stdout), (2, stderr)):
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.dup2(file, number)
        os.close(file)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.stdout = sys.__stdout__ = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = sys.__stderr__ = os.fdopen(
        2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False
    )
