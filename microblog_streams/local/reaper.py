"""One process that outlives the launcher, to end what the launcher started.

The launcher holds the only writing end of this process' standard input and tells it of each process group that
it starts. When the launcher is gone (also by kill -9) the pipe closes, and everything recorded is ended here.
A process that was not recorded in time, or that moved to a group of its own, is found by a mark in its environment.

Runs as ``python reaper.py MARK``; lines on standard input: ``add PID SIGNAL BIRTH``, ``drop PID``.
"""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Mapping

import psutil

#: The environment variable that carries the mark of the launcher.
VARIABLE = "MICROBLOG_STARTED_BY"
#: Seconds for a part that is asked to quit (PostgreSQL, which gives its shared memory back) until it is killed.
KILL_AFTER_SECONDS = 5.0


def main() -> None:
    """Read until the launcher is gone, then end what it left."""
    mark = sys.argv[1]
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)  # this process ends when its work is done, not with a terminal
    end(read_groups(sys.stdin))
    end_marked(mark)


def end(groups: Mapping[int, int]) -> None:
    """End process groups: each by its signal, and by SIGKILL what is still there after ``KILL_AFTER_SECONDS``."""
    for group, number in groups.items():
        send(group, signal.SIGCONT)  # a paused process cannot quit
        send(group, number, only_leader=number != signal.SIGKILL)
    asked = {group for group, number in groups.items() if number != signal.SIGKILL}
    wait_until(lambda: not any(map(is_alive, asked)), KILL_AFTER_SECONDS)
    for group in groups:
        send(group, signal.SIGKILL)
    wait_until(lambda: not any(map(is_alive, groups)), KILL_AFTER_SECONDS)


def end_marked(mark: str) -> int:
    """Kill what carries the mark, and what it starts meanwhile, until nothing does; return how many were found."""
    found: set[int] = set()

    def none_left() -> bool:
        carriers = kill_marked(mark)
        found.update(carriers)
        return not carriers

    wait_until(none_left, KILL_AFTER_SECONDS)
    return len(found)


def read_groups(lines: Iterable[str]) -> dict[int, int]:
    """Return the groups left at the end of the launcher's lines, each with the signal that ends it."""
    groups: dict[int, int] = {}
    for line in lines:
        match line.split():
            case ["add", group, number, *_]:
                groups[int(group)] = int(number)
            case ["drop", group]:
                groups.pop(int(group), None)
    return groups


def send(group: int, number: int, only_leader: bool = False) -> None:
    """Signal a process group, or only the process that leads it; nothing where it is gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if only_leader:
            os.kill(group, number)
        else:
            os.killpg(group, number)


def kill_marked(mark: str) -> list[int]:
    """Kill every process that carries the mark; return their ids."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(VARIABLE) == mark and process.pid != os.getpid():
                process.kill()
                found.append(process.pid)
    return found


def is_alive(pid: int) -> bool:
    """Return whether a process runs; one that only waits for its parent to take note does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait for a condition; False where it did not come true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


if __name__ == "__main__":
    main()
