"""What an earlier stack left is told from what has its process id by now."""

import os
import subprocess
import sys

import pytest

from microblog_streams.local.folder_lock import (
    RECORD,
    end_leftovers,
    is_same_process,
    leftovers_of,
    parse_record,
    process_birth,
)

OWN = os.getpid()


@pytest.fixture
def sleeper():
    """A process in a group of its own."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True)
    yield process
    process.kill()
    process.wait()
    process.stdin.close()


def test_groups_that_were_not_dropped_remain_with_signal_and_birth():
    left = parse_record(["mark ab12\n", "reaper 9 b/1\n", "add 10 9 b/2\n", "add 11 3 b/3\n", "drop 10\n"])
    assert left.mark == "ab12"
    assert left.reaper == (9, "b/1")
    assert left.groups == {11: (3, "b/3")}


@pytest.mark.parametrize("cut", ["add", "add 1", "add 10 9", "reaper 1", "mark", "", "add x y z", "drop ²"])
def test_a_line_that_a_kill_cut_short_is_passed_over(cut):
    left = parse_record([cut])
    assert (left.groups, left.reaper, left.mark) == ({}, None, "")


def test_a_process_is_known_by_its_birth(sleeper):
    born = process_birth(sleeper.pid)
    assert is_same_process(sleeper.pid, born)
    assert not is_same_process(sleeper.pid, "another boot/1")
    sleeper.kill()
    sleeper.wait()
    assert not is_same_process(sleeper.pid, born)


def test_a_process_that_only_has_the_id_of_one_that_was_left_lives_on(tmp_path, sleeper):
    (tmp_path / RECORD).write_text(f"add {sleeper.pid} 9 another-boot/1\n")
    assert end_leftovers(leftovers_of(tmp_path)) == 0
    assert sleeper.poll() is None


def test_what_was_left_is_ended(tmp_path, sleeper):
    (tmp_path / RECORD).write_text(f"add {sleeper.pid} 9 {process_birth(sleeper.pid)}\n")
    assert end_leftovers(leftovers_of(tmp_path)) == 1
    assert sleeper.wait(20) == -9


def test_a_folder_without_record_has_nothing_left(tmp_path):
    assert end_leftovers(leftovers_of(tmp_path)) == 0
