"""The lock that keeps a second stack out of a data folder.

It is an flock on ``<data>/stack.lock``, held by the launcher, its reaper, and all that it has started, which inherit
it: as long as a server runs on the folder, no other is started there. After a kill -9 of the launcher its reaper ends
what was left, and a start in that moment waits for it. Where the reaper is gone too, the start ends it.

The file names its launcher: process id, birth, and the pid namespace in which that id counts. A container may have the
same folder, and its processes cannot be told from here to run or to have ended: nothing of it is ended.
"""

import contextlib
import fcntl
import os
from pathlib import Path

import psutil

from microblog_streams.domain.errors import SetupError
from microblog_streams.local import leftovers
from microblog_streams.local.reaper import wait_until

#: Seconds that a reaper takes at most, and some.
PATIENCE = 20.0


class FolderLock:
    """The lock of one data folder, taken on construction; also makes the folder.

    ``ended``: how many processes an earlier stack had left there, which are ended now.
    """

    def __init__(self, data_dir: Path) -> None:
        """Take the lock. Raises SetupError where another stack has it, or the folder cannot be written."""
        try:
            data_dir.mkdir(parents=True, exist_ok=True)
            self.fd = os.open(data_dir / "stack.lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as exc:
            raise SetupError(
                f"the data folder {data_dir} cannot be written ({exc.strerror}): set MICROBLOG_DATA_DIR to another"
            ) from None
        try:
            self.ended = self._free(data_dir)
        except BaseException:
            os.close(self.fd)
            raise
        os.ftruncate(self.fd, 0)
        os.pwrite(self.fd, f"{os.getpid()} {leftovers.birth(os.getpid())} {pid_namespace()}".encode(), 0)

    def release(self) -> None:
        """Give the folder free."""
        os.close(self.fd)

    def _free(self, data_dir: Path) -> int:
        left = leftovers.of_folder(data_dir)
        if not self._take():
            if self._is_of_another_container():
                raise SetupError(
                    f"a stack of another container runs on {data_dir}: stop it there, "
                    "or set MICROBLOG_DATA_DIR to another"
                )
            if owner := self._owner():
                raise SetupError(
                    f"another stack runs on {data_dir} (process {owner}): stop it, or set MICROBLOG_DATA_DIR to another"
                )
            wait_until(lambda: self._take() or not left.has_reaper(), PATIENCE)
        ended = leftovers.end(left)
        if not wait_until(self._take, PATIENCE):
            raise SetupError(
                f"processes that an earlier stack left run on {data_dir} and cannot be ended from here: "
                f"{_holders(data_dir / 'stack.lock') or 'fuser -v names those that have stack.lock open'}"
            )
        return ended

    def _take(self) -> bool:
        try:
            fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _owner(self) -> int | None:
        """Return the launcher's id where it still runs."""
        match self._words():
            case [pid, born, *_] if pid.isdecimal() and leftovers.runs(int(pid), born):
                return int(pid)
            case [pid] if pid.isdecimal() and leftovers.birth(int(pid)):
                return int(pid)  # of a version that wrote no birth down
        return None

    def _is_of_another_container(self) -> bool:
        match self._words():
            case [_, _, namespace]:
                return namespace != pid_namespace()
        return False  # of a version that wrote none down, or taken this moment

    def _words(self) -> list[str]:
        return os.pread(self.fd, 128, 0).decode("ascii", errors="replace").split()


def pid_namespace() -> str:
    """Return the pid namespace in which this process' ids count; "-" on a system without any."""
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return "-"


def _holders(lock: Path) -> str:
    """Return the ids of the processes that have the file open, as far as this one may see that."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and any(Path(file.path) == lock for file in process.open_files()):
                found.append(str(process.pid))
    return ", ".join(found)
