"""Ends a worker from within: one that can never work as it is set up (one line that says what to do, and exit status
3), or one that must start again as another (the same process, the same command).
"""

import asyncio
import atexit
import logging
import os
import signal
import sys

from microblog_streams.errors import SetupError

logger = logging.getLogger(__name__)

#: Exit status of every expected failure.
STATUS = 3


def stop_worker(error: SetupError) -> None:
    """End the running loop's process, with the line. For services: an exception in one would print a traceback.

    The line is the last one: services log as they stop, and Faust turns what is printed until then into log records.
    The loop lets SystemExit through only from a callback, hence the detour.
    """
    logger.critical("worker_stops reason=%s", error)
    atexit.register(print, f"microblog: {error}", file=sys.__stderr__, flush=True)
    asyncio.get_running_loop().call_soon(sys.exit, STATUS)


def start_again() -> None:
    """Stop the worker as SIGTERM does; then its process runs its own command once more.

    So it needs nobody to start it, and whoever watches it sees the process go on. Who asks it to end meanwhile has
    their way: it stops already, and then it does not start again.
    """
    atexit.register(_run_anew)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, atexit.unregister, _run_anew)
    loop.call_soon(sys.exit, 0)


def _run_anew() -> None:
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - its own command, and no shell
