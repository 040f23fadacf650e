"""How much memory each process holds: a server with all processes that it started counts as one."""

from collections.abc import Mapping

import psutil

MIB = 1024**2


def memory(processes: Mapping[str, int]) -> dict[str, dict[str, float]]:
    """Return MiB by name: ``rss``, and ``pss`` where the system tells it.

    The sum of RSS counts pages that PostgreSQL's processes share once for each of them; PSS counts them once.
    """
    return {name: _memory(pid) for name, pid in processes.items()}


def _memory(pid: int) -> dict[str, float]:
    leader = psutil.Process(pid)
    sums = {"rss": 0.0, "pss": 0.0}
    for process in (leader, *leader.children(recursive=True)):
        full = process.memory_full_info()
        sums["rss"] += full.rss / MIB
        sums["pss"] += getattr(full, "pss", full.rss) / MIB
    return sums
