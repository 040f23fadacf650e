"""A launcher that is killed alone: its reaper ends all servers, and the next start finds all data."""

from tests.system.local.test_launcher import INFRA


def test_kill_9_of_the_launcher_leaves_no_process_and_all_data(keep, launched, processes, eventually):
    launcher = launched(INFRA)
    check = keep()
    assert len(processes()) >= 4
    launcher.kill()
    eventually(lambda: not processes())

    launched(INFRA)
    check()
