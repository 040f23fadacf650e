"""No test hangs: a limit for each, and an end of the whole run where a test does not heed its own.

pytest-timeout fails a test that takes longer than its limit, and the run goes on. It does so by a signal, and stops
watching once a phase has failed, so two hangs pass it by: one in C code, and one in the tear-down of a test whose
set-up failed. So each phase is watched here as well; one that outlasts its limit ends the process with what is known
by then: the stacks, the failures so far, the counts.

One such hang is taken away at its root. uvloop's ``Loop.close()`` warns of a transport that is still open; where
warnings are errors it leaves the transport open, and waits for it without end. So that warning is no error, and makes
the run red here.
"""

import faulthandler
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Lock, Thread
from time import monotonic, sleep
from typing import Any
from warnings import WarningMessage

import pytest

#: Seconds that a test may take by its folder, set-up and tear-down included: several times what the longest takes on a
#: slow machine. The first integration test downloads the servers.
LIMITS_SECONDS = {"unit": 300.0, "component": 600.0, "integration": 900.0, "system": 900.0, "soak": 5_400.0}
#: Seconds for everything else.
LIMIT_SECONDS = 300.0
#: Seconds after its limit in which a test can fail by pytest-timeout before the run is ended.
GRACE_SECONDS = 60.0
#: Seconds between two looks at the clock.
LOOK_SECONDS = 0.5
#: Seconds for the report of a run that is ended. Then the process ends without: from C, which needs no GIL.
REPORT_SECONDS = 30.0
#: How uvloop warns of a transport that is open when its loop closes.
UNCLOSED = "unclosed resource <"
_left_open: list[str] = []
#: The descriptor of the error output that pytest does not capture.
_STDERR = pytest.StashKey[int]()
_DEADLINES = pytest.StashKey["_Deadlines"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--limit", type=float, help="seconds that each test may take, in place of its folder's limit")
    parser.addoption("--grace", type=float, default=GRACE_SECONDS, help="seconds from there to the end of the run")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "timeout(seconds): what the test may take, in place of its folder's limit")
    config.stash[_STDERR] = os.dup(2)
    config.stash[_DEADLINES] = _Deadlines()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(limit_of(item)))


def limit_of(item: pytest.Item) -> float:
    """Return the seconds of the option, of the test's marker, or of its folder."""
    marker = item.get_closest_marker("timeout")
    if marker is not None:
        return float(marker.args[0])
    if item.config.option.limit:
        return float(item.config.option.limit)
    return _limit_of_file(item.path, item.config.rootpath)


@cache
def _limit_of_file(path: Path, root: Path) -> float:
    folders = path.relative_to(root).parts
    return next((LIMITS_SECONDS[name] for name in folders if name in LIMITS_SECONDS), LIMIT_SECONDS)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, Any, Any]:
    __tracebackhide__ = True
    with _watched(item, "set-up"):
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    __tracebackhide__ = True
    with _watched(item, "call"):
        return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, Any, Any]:
    __tracebackhide__ = True
    with _watched(item, "tear-down"):
        return (yield)


def pytest_warning_recorded(warning_message: WarningMessage, nodeid: str) -> None:
    if str(warning_message.message).startswith(UNCLOSED):
        _left_open.append(f"{nodeid}: {warning_message.message}")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if _left_open and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in _left_open:
        terminalreporter.write_line(f"ERROR left open by {line}", red=True)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Watch the interpreter's end too, which waits for threads that a test left behind."""
    if _DEADLINES in config.stash:
        config.stash[_DEADLINES].stop()
    if _STDERR in config.stash and not hasattr(config, "workerinput"):  # pytest-xdist ends its workers itself
        faulthandler.dump_traceback_later(config.option.grace, exit=True, file=config.stash[_STDERR])


@contextmanager
def _watched(item: pytest.Item, phase: str) -> Generator[None]:
    seconds = limit_of(item) + item.config.option.grace
    item.config.stash[_DEADLINES].put(seconds, item, phase)
    try:
        yield
    finally:
        item.config.stash[_DEADLINES].clear()


class _Deadlines:
    """Ends the run when a phase outlasts its deadline. One thread looks after all phases: 6,500 tests have 20,000.

    Each look winds up a second watch, in C, for the case that this thread cannot run any more, as where C code holds
    the GIL. That starts a thread each time, so it is not done for each phase.
    """

    def __init__(self) -> None:
        self._current: tuple[float, pytest.Item, str] | None = None
        self._is_wound_up = False
        self._lock = Lock()
        self._is_stopped = False
        Thread(target=self._run, name="watchdog", daemon=True).start()

    def put(self, seconds: float, item: pytest.Item, phase: str) -> None:
        self._current = monotonic() + seconds, item, phase
        if not self._is_wound_up:
            self._look()

    def clear(self) -> None:
        self._current = None

    def stop(self) -> None:
        """Look no more, and leave C's watch to others."""
        with self._lock:
            self._is_stopped = True

    def _run(self) -> None:
        while not self._is_stopped:
            sleep(LOOK_SECONDS)
            self._look()

    def _look(self) -> None:
        with self._lock:
            if self._is_stopped:
                return
            current = self._current
            if current is not None:
                self._is_wound_up = True
                _watch_in_c(current[1], max(0.0, current[0] - monotonic()) + REPORT_SECONDS)
            elif self._is_wound_up:
                self._is_wound_up = False
                faulthandler.cancel_dump_traceback_later()
        if current is not None and monotonic() > current[0]:
            _end_the_run(*current[1:])


def _watch_in_c(item: pytest.Item, seconds: float) -> None:
    faulthandler.dump_traceback_later(seconds, exit=True, file=item.config.stash[_STDERR])


def _end_the_run(item: pytest.Item, phase: str) -> None:
    """Report and end, from a thread: the main one hangs."""
    try:
        capture = item.config.pluginmanager.getplugin("capturemanager")
        capture.suspend_global_capture(in_=True)
        faulthandler.dump_traceback(file=item.config.stash[_STDERR])
        _report(item, f"the {phase} of {item.nodeid} did not end: this process of the run ends here")
    finally:
        os._exit(pytest.ExitCode.INTERNAL_ERROR)


def _report(item: pytest.Item, line: str) -> None:
    reporter = item.config.pluginmanager.getplugin("terminalreporter")
    if reporter is None:  # a worker of pytest-xdist: its failures so far are reported by the main process
        print(line, file=sys.__stderr__, flush=True)
        return
    reporter.ensure_newline()
    reporter.summary_errors()
    reporter.summary_failures()
    reporter.short_test_summary()
    reporter.write_line(f"ERROR {line}", red=True, bold=True)
    reporter.summary_stats()
    reporter.flush()
