"""A worker's place: its folder, which no other worker may use at the same time, and its port, which must be free.

In the folder are the tables, in one folder a generation of topics (that of the first is the worker's own, as Faust has
it): files of another generation's tables are of no use, and would be taken for this one's.
"""

import asyncio
import fcntl
import logging
import shutil
from pathlib import Path
from typing import TextIO

from microblog_streams.config.addresses import check_port
from microblog_streams.config.settings import Settings
from microblog_streams.domain.errors import SetupError
from microblog_streams.services.worker_exit import stop_worker

logger = logging.getLogger(__name__)


class WorkerDirectory:
    """Takes folder and port before anything else starts, or ends the worker with one line."""

    def __init__(self, settings: Settings, generation: int) -> None:
        """Take what the settings say, and the generation whose tables the worker keeps."""
        self._settings = settings
        self._generation = generation
        self._lock: TextIO | None = None

    async def take(self) -> None:
        """Make the folder, lock it for as long as the process lives, look at the port."""
        try:
            self._lock = lock_folder(self._settings)
            check_port(self._settings.web_host, self._settings.web_port)
            make_room(self._settings.worker_dir, self._generation)
        except SetupError as exc:
            stop_worker(exc)
            await asyncio.Event().wait()


def tables_dir(folder: Path, generation: int) -> Path:
    """Return where a generation's tables are, in a worker's folder."""
    return folder if generation == 1 else folder / f"g{generation}"


def make_room(folder: Path, generation: int) -> None:
    """Make the folder of a generation's tables, and remove those of all others."""
    others = [found for found in folder.glob("g[0-9]*") if found != tables_dir(folder, generation)]
    if generation != 1:
        others += folder.glob("v[0-9]*")  # Faust's own, of the first
    for other in others:
        logger.info("tables_removed folder=%s generation=%d", other, generation)
        shutil.rmtree(other, ignore_errors=True)
    tables_dir(folder, generation).mkdir(exist_ok=True)


def lock_folder(settings: Settings) -> TextIO:
    """Make the worker's folder and lock it until the returned file is closed. Raises SetupError."""
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
