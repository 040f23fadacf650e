"""How ``make test`` shares the tests out over processes: whole files, those that take longest first.

A process has a stack of its own for its integration tests, so no two share a server. Files that start further servers
begin first: the last to begin is then a short one, and no process ends long before the others.

A run that ends before all was run is red: with a process that is gone its tests could be gone without a word.
"""

import os
from collections.abc import Sequence
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

#: What takes longest, longest first, by a run's durations: some start servers, all many workers or a browser.
LONGEST = (
    "system/pages/test_views.py",
    "system/chaos/test_short.py",
    "system/repair",
    "system/search",
    "integration/search",
    "system/pages/test_people.py",
    "integration/secured/test_sentinel.py",
    "system/workers/test_described.py",
    "system/chaos",
    "system/bench",
    "system/growth",
    "integration/stores",
    "system/installing",
    "system/local",
    "system/away",
    "system/workers/test_two_workers.py",
    "integration/secured",
    "system",
    "integration",
    "component/operations",
    "component",
)
#: Folders that one process runs, by what their files share: results that they write, and a search engine.
TOGETHER = {
    "tests/system/bench/": "results of benchmarks",
    "tests/system/search/": "search engine",
    "tests/integration/search/": "search engine",
}
#: Names of tests that were not run that are told.
SHOWN = 10


class FileScheduling(LoadFileScheduling):
    """Files in the order in which they were collected, those of some folders as if they were one."""

    def _split_scope(self, nodeid: str) -> str:
        shared = [what for folder, what in TOGETHER.items() if nodeid.startswith(folder)]
        return shared[0] if shared else str(super()._split_scope(nodeid))


def pytest_xdist_auto_num_workers() -> int:
    """Return the cores that this process may use, times ``PROCESSES_PER_CORE`` of the environment.

    ``taskset`` and cpusets give it fewer cores than there are.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, int(cores * float(os.environ.get("PROCESSES_PER_CORE", "1"))))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FileScheduling | None:
    """Return what shares out where files are to stay together (``--dist loadfile``)."""
    return FileScheduling(config, log) if config.option.dist == "loadfile" else None


class Ledger:
    """What was to be run and was not, in the process that shares out."""

    def __init__(self) -> None:
        self.unfinished: set[str] = set()

    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        self.unfinished = self.unfinished or set(ids)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self.unfinished.discard(nodeid)

    def pytest_handlecrashitem(self, crashitem: str) -> None:
        """Leave it to pytest-xdist, which reports the test during which a process crashed."""
        self.unfinished.discard(crashitem)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.unfinished and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.unfinished:
            terminalreporter.write_line(f"ERROR {len(self.unfinished)} tests were not run, such as", red=True)
        for nodeid in sorted(self.unfinished)[:SHOWN]:
            terminalreporter.write_line(f"  {nodeid}", red=True)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Ledger())


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put long files first; those of equal rank, and the tests of a file, keep their order."""
    items.sort(key=lambda item: _rank(item.nodeid))


def _rank(nodeid: str) -> int:
    file = nodeid.removeprefix("tests/")
    return next((rank for rank, prefix in enumerate(LONGEST) if file.startswith(prefix)), len(LONGEST))
