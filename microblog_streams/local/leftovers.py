"""What a stack has started, written down in its data folder, so that the next start can end what was left there.

Where the launcher alone is killed, its reaper ends everything. Where both are (``pkill -9 python``), servers live on.
They hold the folder's lock, which they inherit, and are found by this record: by process id and birth, as an id may
be another's by then, and by the mark that they carry in their environment.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from microblog_streams.local import reaper

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
        return {pid: number for pid, (number, born) in self.groups.items() if runs(pid, born)}

    def has_reaper(self) -> bool:
        """Tell whether the reaper still runs."""
        return self.reaper is not None and runs(*self.reaper)


def read(lines: Iterable[str]) -> Leftovers:
    """Return what is left at the end of a record; a line cut short by a kill is passed over."""
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


def of_folder(data_dir: Path) -> Leftovers:
    """Return what the record of a data folder names; nothing where there is none."""
    try:
        return read((data_dir / RECORD).read_text(encoding="ascii", errors="replace").splitlines())
    except FileNotFoundError:
        return Leftovers()


def end(left: Leftovers) -> int:
    """End what still runs; return how many processes that were."""
    alive = left.alive()
    found = len(alive)
    reaper.end(alive)
    if left.mark:
        found += reaper.end_marked(left.mark)
    return found


def birth(pid: int) -> str | None:
    """Return what tells a process from all others that had or will have its id; None where there is none.

    On Linux: which boot, and ticks since then, as clocks may be set. Elsewhere its seconds since 1970.
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


def runs(pid: int, born: str) -> bool:
    """Tell whether a process still runs, and is the one that was born then."""
    return birth(pid) == born and reaper.is_alive(pid)
