"""A worker's place: its folder, which no other worker may use at the same time, and its port, which must be free."""

import asyncio
import errno
import fcntl
import socket
from typing import TextIO

from microblog_streams.errors import SetupError
from microblog_streams.services.stopping import stop_worker
from microblog_streams.settings import Settings


class Workplace:
    """Takes folder and port before anything else starts, or ends the worker with one line."""

    def __init__(self, settings: Settings) -> None:
        """Take what the settings say."""
        self._settings = settings
        self._lock: TextIO | None = None

    async def take(self) -> None:
        """Make the folder, lock it for as long as the process lives, look at the port."""
        try:
            self._lock = lock_folder(self._settings)
            check_port(self._settings)
        except SetupError as exc:
            stop_worker(exc)
            await asyncio.Event().wait()


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


def check_port(settings: Settings) -> None:
    """Raise SetupError where the web port cannot be bound."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.web_host, settings.web_port))
        except OSError as exc:
            taken = "is taken" if exc.errno == errno.EADDRINUSE else f"cannot be bound ({exc.strerror})"
            raise SetupError(
                f"MICROBLOG_WEB_PORT: {settings.web_host}:{settings.web_port} {taken}: set another"
            ) from None
