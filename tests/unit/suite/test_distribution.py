"""How the tests are shared out: long files first, some folders as one, and a run that leaves any out is red."""

from types import SimpleNamespace

import pytest

from tests.support import distribution
from tests.support.distribution import FileScheduling, Ledger, pytest_collection_modifyitems

SHORT, LONG = "tests/unit/domain/test_ids.py::test_it", "tests/system/chaos/test_short.py::test_it"


def test_long_files_come_first_and_the_tests_of_a_file_keep_their_order():
    files = ["tests/unit/a.py::test_2", "tests/unit/a.py::test_1", "tests/component/b.py::test", LONG]
    items = [SimpleNamespace(nodeid=nodeid) for nodeid in files]
    pytest_collection_modifyitems(items)
    assert [item.nodeid for item in items] == [LONG, files[2], *files[:2]]


def test_a_file_is_one_piece_and_so_are_folders_that_share_results_or_a_server():
    scope = FileScheduling._split_scope
    schedule = FileScheduling.__new__(FileScheduling)
    assert scope(schedule, SHORT) == "tests/unit/domain/test_ids.py"
    for files in (
        ("system/bench/test_quick.py", "system/bench/test_peers.py"),
        ("system/search/test_life.py", "integration/search/test_engines.py"),
    ):
        assert len({scope(schedule, f"tests/{file}::test_it") for file in files}) == 1


@pytest.mark.parametrize(
    ("finished", "status"),
    [([SHORT, LONG], pytest.ExitCode.OK), ([SHORT], pytest.ExitCode.TESTS_FAILED), ([], pytest.ExitCode.TESTS_FAILED)],
)
def test_a_run_that_ends_before_all_was_run_is_red(finished, status):
    ledger, session = Ledger(), SimpleNamespace(exitstatus=pytest.ExitCode.OK)
    for _process in range(2):
        ledger.pytest_xdist_node_collection_finished([SHORT, LONG])
    for nodeid in finished:
        ledger.pytest_runtest_logfinish(nodeid)
    ledger.pytest_sessionfinish(session)
    assert session.exitstatus == status


def test_processes_are_so_many_for_each_core(monkeypatch):
    monkeypatch.delenv("PROCESSES_PER_CORE", raising=False)
    cores = distribution.pytest_xdist_auto_num_workers()
    for each, processes in (("2", 2 * cores), ("1.5", cores * 3 // 2), ("0.01", 1)):
        monkeypatch.setenv("PROCESSES_PER_CORE", each)
        assert distribution.pytest_xdist_auto_num_workers() == processes
