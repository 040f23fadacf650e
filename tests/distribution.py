"""How pytest-xdist shares the tests out over processes: whole files, those that take longest first.

A process has a stack of its own for its integration tests, so no two share a server. Files that start further servers
begin first: the last to begin is then a short one, and no process ends long before the others.
"""

import os

import pytest

#: Integration tests that take longest, longest first: each starts a whole stack of its own, or many workers.
LONGEST = (
    "integration/chaos",
    "integration/away/test_away.py",
    "integration/bench",
    "integration/secured/test_kafka.py",
    "integration/workers/test_two_workers.py",
    "integration/growth",
    "integration/repair",
    "integration/away",
    "integration/local",
    "integration/workers",
    "integration/postgres/test_promoted.py",
    "integration/clustered",
    "integration/secured",
    "integration",
    "functional",
)


def pytest_xdist_auto_num_workers() -> int:
    """Return the cores that this process may use: ``taskset`` and containers give it fewer than there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put long files first; those of equal rank, and the tests of a file, keep their order."""
    items.sort(key=lambda item: _rank(item.nodeid))


def _rank(nodeid: str) -> int:
    file = nodeid.removeprefix("tests/")
    return next((rank for rank, prefix in enumerate(LONGEST) if file.startswith(prefix)), len(LONGEST))
