"""Ends a worker from within: one that can never work as it is set up (one line that says what to do, and exit status
3), one that must start again as another (the same process, the same command), or one whose stop hangs.
"""

import asyncio
import atexit
import faulthandler
import logging
import os
import signal
import sys

from microblog_streams.domain.errors import SetupError

logger = logging.getLogger(__name__)

#: Exit status of every expected failure.
STATUS = 3
#: Seconds that a stop may take besides the hold, which it waits out: some five times what it does where Kafka is away
#: (it finishes effects, commits).
STOP_SECONDS = 60.0
#: The descriptor: Faust puts objects of its own in place of ``sys.stderr``.
_STANDARD_ERROR = 2


def stop_worker(error: SetupError) -> None:
    """End the running loop's process, with the line. For services: an exception in one would print a traceback.

    The line is the last one: services log as they stop, and Faust turns what is printed until then into log records.
    The loop lets SystemExit through only from a callback, hence the detour.
    """
    logger.critical("worker_stops reason=%s", error)
    atexit.register(print, f"microblog: {error}", file=sys.__stderr__, flush=True)
    asyncio.get_running_loop().call_soon(sys.exit, STATUS)


def end_within(seconds: float) -> None:
    """End the process after so many seconds, with status 1 and the stacks of its threads, unless it has ended by then.

    A stop waits for what may never come: a task of a library that lost its cancellation, a thread that is left when the
    interpreter ends, uvloop's ``close()`` where warnings are errors. What is cut off is left as kill -9 leaves it. The
    clock is C's, which needs neither the event loop nor the interpreter.
    """
    faulthandler.dump_traceback_later(seconds, exit=True, file=_STANDARD_ERROR)


def start_again() -> None:
    """Stop the worker as SIGTERM does; then its process runs its own command once more.

    So the process needs no supervisor to start it again. A SIGTERM or SIGINT during that stop cancels the new start.
    """
    atexit.register(_execute_again)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, atexit.unregister, _execute_again)
    loop.call_soon(sys.exit, 0)


def _execute_again() -> None:
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - its own command, and no shell
