"""As whom PostgreSQL runs where the user is unknown to the system, and a pid file that names another process."""

import os

import pytest

from microblog_streams.domain.errors import SetupError
from microblog_streams.local.postgres import Identity, Postgres, check_has_entry, identity
from microblog_streams.local.server import ServerPaths

#: No system has given it to anybody.
NOBODYS = 2_000_000_001


def test_a_user_id_without_entry_is_no_hindrance_to_a_cluster_that_is_made(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: NOBODYS)
    monkeypatch.setattr(os, "getegid", lambda: NOBODYS)
    own = identity([])
    assert (own.uid, own.gid, own.reach) == (NOBODYS, NOBODYS, False)
    assert own.command(["postgres"]) == ["postgres"]


def test_making_a_cluster_says_in_one_line_what_such_a_user_id_lacks():
    with pytest.raises(SetupError, match=f"user id {NOBODYS} has no entry in /etc/passwd") as told:
        check_has_entry(Identity("unknown", NOBODYS, NOBODYS, reach=False))
    assert "\n" not in str(told.value)


@pytest.fixture
def server(tmp_path):
    made = Postgres(ServerPaths(tmp_path, tmp_path, {}))
    (made.home / "data").mkdir(parents=True)
    return made


def test_a_pid_file_that_names_another_program_is_removed(server):
    """Ids begin anew with each boot, and each start of a container."""
    file = server.home / "data" / "postmaster.pid"
    file.write_text(f"{os.getpid()}\n{server.home / 'data'}\n")
    server._forget_other_process()
    assert not file.exists()


@pytest.mark.parametrize("text", ["", "not a number\n", "\n"])
def test_a_pid_file_that_a_full_disk_has_cut_short_is_removed(server, text):
    file = server.home / "data" / "postmaster.pid"
    file.write_text(text)
    server._forget_other_process()
    assert not file.exists()


def test_a_pid_file_whose_process_has_ended_is_left_to_postgresql(server):
    """It looks whether anything still uses the shared memory that the file names."""
    file = server.home / "data" / "postmaster.pid"
    file.write_text(f"{NOBODYS}\n/data\n")
    server._forget_other_process()
    assert file.exists()
