"""The worker's folder: locked for one worker, with one folder of tables for its topic set, on a disk with room.

The folder of the first topic set's tables is the worker's folder itself, as Faust has it. The files of other topic sets
are removed: their rows are of no use, and would be taken for this one's.

A worker on a full disk cannot write rows, and stops at the events that need them. So it reports that it is not ready,
and starts only once there is room. RocksDB goes on some five seconds after there is room again, without losses.
"""

import asyncio
import fcntl
import logging
import shutil
from pathlib import Path
from typing import Final, TextIO

from microblog_streams.aio.tasks import Service
from microblog_streams.config.addresses import check_port
from microblog_streams.config.settings import Settings
from microblog_streams.domain.errors import SetupError
from microblog_streams.services.worker_exit import stop_worker

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
    def full(self) -> bool:
        """Whether there is too little room at the moment. Logs when that begins and ends."""
        free = shutil.disk_usage(self._folder).free
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
