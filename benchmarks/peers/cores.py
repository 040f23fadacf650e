"""The CPU seconds of processes: what a rate costs, in cores used."""

from collections.abc import Iterable, Mapping

import psutil


def cpu_seconds(pids: Mapping[str, int]) -> dict[str, float]:
    """Return by name the CPU seconds of each process and of all that it started, user and system, until now.

    Those that ended count once their parent has waited for them. A process that is gone altogether counts as 0.
    """
    return {name: sum(map(_of_one, _tree(pid))) for name, pid in pids.items()}


def _tree(pid: int) -> Iterable[psutil.Process]:
    try:
        leader = psutil.Process(pid)
        return (leader, *leader.children(recursive=True))
    except psutil.NoSuchProcess:
        return ()


def _of_one(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)
