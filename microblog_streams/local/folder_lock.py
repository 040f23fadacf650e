"""The lock of a data folder, and what an earlier stack left running in it.

The lock is an flock on ``<data>/stack.lock``. The launcher holds it, and so do its reaper and all servers, which
inherit it: as long as one of them runs, no second stack starts in the folder. Where the launcher alone is killed, its
reaper ends the servers, and the next start waits for that. Where both are killed (``pkill -9 python``), the next start
ends the servers itself. It finds them by ``<data>/processes``: process id and birth, since ids are used again, and a
mark in their environment.

The lock file names its launcher: process id, birth and pid namespace. A container may share the folder; processes of
another pid namespace are never ended from here.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from microblog_streams.domain.errors import SetupError
from microblog_streams.local import reaper
from microblog_streams.local.reaper import wait_until

#: The record's name below the data folder. Its lines are those that the reaper is told, and two more.
RECORD = "processes"


@dataclass(slots=True)
class Leftovers:
    """What a record names: the launcher's mark, its reaper's id and birth, and the signal and birth of each group."""

    mark: str = ""
    reaper: tuple[int, str] | None = None
    groups: dict[int, tuple[int, str]] = field(default_factory=dict)

    def alive(self) -> dict[int, int]:
        """Return the groups whose leaders still run, each with the signal that ends it."""
        return {pid: number for pid, (number, born) in self.groups.items() if is_same_process(pid, born)}

    def has_reaper(self) -> bool:
        """Return whether the reaper still runs."""
        return self.reaper is not None and is_same_process(*self.reaper)


def parse_record(lines: Iterable[str]) -> Leftovers:
    """Parse a record; a line that a kill cut short is skipped."""
    left = Leftovers()
    for line in lines:
        match line.split():
            case ["mark", mark]:
                left.mark = mark
            case ["reaper", pid, born] if pid.isdecimal():
                left.reaper = int(pid), born
            case ["add", pid, number, born] if pid.isdecimal() and number.isdecimal():
                left.groups[int(pid)] = int(number), born
            case ["drop", pid] if pid.isdecimal():
                left.groups.pop(int(pid), None)
    return left


def leftovers_of(data_dir: Path) -> Leftovers:
    """Return what the record of a data folder names; empty where there is no record."""
    try:
        return parse_record((data_dir / RECORD).read_text(encoding="ascii", errors="replace").splitlines())
    except FileNotFoundError:
        return Leftovers()


def end_leftovers(left: Leftovers) -> int:
    """End the processes that still run; return their number."""
    alive = left.alive()
    found = len(alive)
    reaper.end(alive)
    if left.mark:
        found += reaper.end_marked(left.mark)
    return found


def process_birth(pid: int) -> str | None:
    """Return when a process began, to tell it from others with the same id; None where no process has the id.

    On Linux: the id of the boot, and ticks since then, because clocks may be set. Elsewhere: seconds since 1970.
    """
    try:
        ticks = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[19].decode()
        return f"{Path('/proc/sys/kernel/random/boot_id').read_text(encoding='ascii').strip()}/{ticks}"
    except (OSError, IndexError):
        pass
    try:
        return f"{psutil.Process(pid).create_time():.0f}"
    except psutil.Error:
        return None


def is_same_process(pid: int, born: str) -> bool:
    """Return whether the process with this id runs and has this birth."""
    return process_birth(pid) == born and reaper.is_alive(pid)


#: Longer than a reaper takes to end everything.
REAPER_SECONDS = 20.0


class FolderLock:
    """The lock of one data folder, taken on construction; also makes the folder.

    ``ended``: number of processes of an earlier stack that were ended.
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
        os.pwrite(self.fd, f"{os.getpid()} {process_birth(os.getpid())} {pid_namespace()}".encode(), 0)

    def release(self) -> None:
        """Release the lock."""
        os.close(self.fd)

    def _free(self, data_dir: Path) -> int:
        left = leftovers_of(data_dir)
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
            wait_until(lambda: self._take() or not left.has_reaper(), REAPER_SECONDS)
        ended = end_leftovers(left)
        if not wait_until(self._take, REAPER_SECONDS):
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
            case [pid, born, *_] if pid.isdecimal() and is_same_process(int(pid), born):
                return int(pid)
            case [pid] if pid.isdecimal() and process_birth(int(pid)):
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
    """Return the ids of the processes that have the file open, as far as permissions show them."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and any(Path(file.path) == lock for file in process.open_files()):
                found.append(str(process.pid))
    return ", ".join(found)
