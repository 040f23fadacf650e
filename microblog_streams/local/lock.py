"""The lock that keeps a second stack out of a data folder.

It is an flock on ``<data>/stack.lock``, held by the launcher and by its reaper: after a kill -9 of the launcher the
folder is free once the reaper has ended what was left there, and a start in that moment waits for it.
"""

import fcntl
import os
from pathlib import Path

import psutil

from microblog_streams.errors import SetupError
from microblog_streams.local.reaper import wait_until

#: Seconds that a reaper takes at most, and some.
PATIENCE = 20.0


class FolderLock:
    """The lock of one data folder, taken on construction; also makes the folder."""

    def __init__(self, data_dir: Path) -> None:
        """Take the lock. Raises SetupError where another stack has it, or the folder cannot be written."""
        try:
            data_dir.mkdir(parents=True, exist_ok=True)
            self.fd = os.open(data_dir / "stack.lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as exc:
            raise SetupError(
                f"the data folder {data_dir} cannot be written ({exc.strerror}): set MICROBLOG_DATA_DIR to another"
            ) from None
        if not self._take():
            owner = self._owner()
            orphaned = owner is None or not psutil.pid_exists(owner)
            if not (orphaned and wait_until(self._take, PATIENCE)):
                os.close(self.fd)
                raise SetupError(
                    f"another stack runs on {data_dir} (process {owner}): stop it, or set MICROBLOG_DATA_DIR to another"
                )
        os.ftruncate(self.fd, 0)
        os.pwrite(self.fd, str(os.getpid()).encode(), 0)

    def release(self) -> None:
        """Give the folder free."""
        os.close(self.fd)

    def _take(self) -> bool:
        try:
            fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _owner(self) -> int | None:
        text = os.pread(self.fd, 32, 0).decode()
        return int(text) if text.isdigit() else None
