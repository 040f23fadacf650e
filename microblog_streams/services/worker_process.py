"""The worker's process: its folder and disk, and how it ends from within.

The folder is locked for one worker. The tables of the first topic set lie in the folder itself, as Faust has it; those
of a later one in a subfolder. The files of other topic sets are removed: their rows are of no use, and would be taken
for this one's.

A worker on a full disk cannot write rows, and stops at the events that need them. So it reports that it is not ready,
and starts only once there is room. RocksDB goes on some five seconds after there is room again, without losses.

A worker ends itself in three cases: it can never work as it is set up (one line that says what to do, and exit status
3), it must start again in another topic set (the same process, the same command), or its stop hangs.
"""

import asyncio
import atexit
import faulthandler
import fcntl
import logging
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Final, TextIO

from microblog_streams.aio.tasks import Service
from microblog_streams.config.addresses import check_port
from microblog_streams.config.settings import Settings
from microblog_streams.domain.errors import SetupError

logger = logging.getLogger(__name__)

#: Bytes that must be free: each partition's database preallocates some 10 MB for its log.
MIN_FREE_BYTES: Final = 128 * 1024**2
#: Seconds between two checks of the disk.
CHECK_SECONDS: Final = 1.0


class WorkerDirectory:
    """Locks the folder and checks the port before anything else starts, or ends the worker with a one-line error."""

    def __init__(self, settings: Settings, topic_set: int) -> None:
        """``topic_set``: the one whose tables the worker has."""
        self._settings = settings
        self._topic_set = topic_set
        self._lock: TextIO | None = None

    async def take(self) -> None:
        """Create the folder, lock it for the life of the process, and check that the port is free."""
        try:
            self._lock = lock_folder(self._settings)
            check_port(self._settings.web_host, self._settings.web_port)
            prepare_tables_dir(self._settings.worker_dir, self._topic_set)
        except SetupError as exc:
            stop_worker(exc)
            await asyncio.Event().wait()


def tables_dir(folder: Path, topic_set: int) -> Path:
    """Return the folder of a topic set's tables, within a worker's folder."""
    return folder if topic_set == 1 else folder / f"g{topic_set}"


def prepare_tables_dir(folder: Path, topic_set: int) -> None:
    """Create the folder of a topic set's tables, and remove those of all others."""
    others = [found for found in folder.glob("g[0-9]*") if found != tables_dir(folder, topic_set)]
    if topic_set != 1:
        others += folder.glob("v[0-9]*")  # the first topic set's, as Faust names them
    for other in others:
        logger.info("tables_removed folder=%s generation=%d", other, topic_set)
        shutil.rmtree(other, ignore_errors=True)
    tables_dir(folder, topic_set).mkdir(exist_ok=True)


def lock_folder(settings: Settings) -> TextIO:
    """Create the worker's folder and lock it until the returned file is closed. Raises SetupError."""
    folder = settings.worker_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("w")
    except OSError as exc:
        raise SetupError(f"MICROBLOG_DATA_DIR: cannot write to {folder} ({exc.strerror}): make it writable") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise SetupError(
            f"another worker runs in {folder}: give this one another MICROBLOG_WORKER or MICROBLOG_WEB_PORT"
        ) from None
    return lock


class DiskWatch(Service):
    """Checks the free space of the worker's folder; services that start after it wait for room."""

    def __init__(self, folder: Path) -> None:
        """The folder must exist once the service starts."""
        super().__init__()
        self._folder = folder
        self._full = False

    @property
    def free_bytes(self) -> int:
        """The free space at the moment."""
        return shutil.disk_usage(self._folder).free

    @property
    def full(self) -> bool:
        """Whether there is too little room at the moment. Logs when that begins and ends."""
        free = self.free_bytes
        full = free < MIN_FREE_BYTES
        if full and not self._full:
            logger.error("disk_full folder=%s free=%d needed=%d", self._folder, free, MIN_FREE_BYTES)
        elif self._full and not full:
            logger.warning("disk_has_room folder=%s free=%d", self._folder, free)
        self._full = full
        return full

    async def on_start(self) -> None:
        """Wait for room: the tables could not be opened or recovered without it."""
        while self.full and not self.should_stop:
            await self.sleep(CHECK_SECONDS)

    @Service.task
    async def _watch(self) -> None:
        while not self.should_stop:
            await self.sleep(CHECK_SECONDS)
            _ = self.full


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
