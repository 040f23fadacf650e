"""Ends a worker that can never work as it is set up: one line that says what to do, and exit status 3."""

import asyncio
import sys

from microblog_streams.errors import SetupError

#: Exit status of every expected failure.
STATUS = 3


def stop_worker(error: SetupError) -> None:
    """Print the line and end the running loop's process. For services: an exception in one would print a traceback.

    The loop lets SystemExit through only from a callback, hence the detour.
    """
    print(f"microblog: {error}", file=sys.stderr, flush=True)
    asyncio.get_running_loop().call_soon(sys.exit, STATUS)
