"""Where the jars are kept of a user who has no home."""

import os
import pwd

import pytest

from microblog_streams.domain.errors import SetupError
from microblog_streams.local.options import load_local_settings


@pytest.fixture(autouse=True)
def homeless(monkeypatch):
    """A user id without entry in the list of users, in an environment without HOME."""

    def unknown(_uid):
        raise KeyError

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    for name in [name for name in os.environ if name.startswith(("HOME", "XDG_", "MICROBLOG_"))]:
        monkeypatch.delenv(name)


def test_a_user_without_a_home_is_told_in_one_line_what_to_set():
    with pytest.raises(SetupError, match="MICROBLOG_CACHE_DIR"):
        load_local_settings()


def test_a_folder_that_is_set_does(monkeypatch, tmp_path):
    monkeypatch.setenv("MICROBLOG_CACHE_DIR", str(tmp_path))
    assert load_local_settings().cache_dir == tmp_path
