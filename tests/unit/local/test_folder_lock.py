"""The data folder's lock: who has it, and what a start may end to get it."""

import subprocess
import sys

import pytest

from microblog_streams.domain.errors import SetupError
from microblog_streams.local import folder_lock, reaper
from microblog_streams.local.folder_lock import FolderLock, pid_namespace

MARK = "ab12cd34"
#: A process id that Linux gives to no process.
GONE = 2_000_000_001


@pytest.fixture
def server(tmp_path):
    """A server that has inherited the lock of a launcher that is gone, as the folder's record says."""
    left = FolderLock(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-c", "input()"],
        stdin=subprocess.PIPE,
        env={reaper.VARIABLE: MARK},
        pass_fds=[left.fd],
        start_new_session=True,
    )
    left.release()
    born = folder_lock.process_birth(process.pid)
    (tmp_path / folder_lock.RECORD).write_text(f"mark {MARK}\nadd {process.pid} 9 {born}\n")
    yield process
    process.kill()
    process.wait()
    process.stdin.close()


def launched_from(folder, namespace):
    """Have the lock say that a launcher which is not to be seen took it, from that pid namespace."""
    words = [GONE, "born", *namespace]
    (folder / "stack.lock").write_text(" ".join(map(str, words)))


def test_the_lock_says_who_has_it_and_where_that_id_counts(tmp_path):
    held = FolderLock(tmp_path)
    assert (tmp_path / "stack.lock").read_text().split()[2] == pid_namespace()
    with pytest.raises(SetupError, match="another stack runs on"):
        FolderLock(tmp_path)
    held.release()
    FolderLock(tmp_path).release()


def test_a_stack_of_another_container_is_told_and_left_alone(tmp_path, server):
    launched_from(tmp_path, ["pid:[1]"])
    with pytest.raises(SetupError, match=r"a stack of another container runs on .* set MICROBLOG_DATA_DIR"):
        FolderLock(tmp_path)
    assert server.poll() is None


@pytest.mark.parametrize("namespace", [[pid_namespace()], []], ids=["written", "of a version that wrote none"])
def test_what_an_earlier_stack_of_this_container_left_is_ended(tmp_path, server, namespace):
    launched_from(tmp_path, namespace)
    taken = FolderLock(tmp_path)
    assert taken.ended >= 1
    assert server.wait(20) == -9
    taken.release()


def test_a_container_that_has_ended_keeps_no_folder(tmp_path):
    launched_from(tmp_path, ["pid:[1]"])
    FolderLock(tmp_path).release()
