"""A stage's own folder: emptied, and never one that another program made."""

import os

import pytest

from benchmarks.stage import detach_environment, empty, lift_limits
from microblog_streams.config.settings import Settings
from microblog_streams.domain.errors import SetupError
from microblog_streams.local.folder_lock import FolderLock


def test_what_an_earlier_run_left_is_removed(tmp_path):
    (tmp_path / "stack.lock").touch()
    (tmp_path / "stack.env").touch()
    (tmp_path / "kafka").mkdir()
    (tmp_path / "kafka" / "data").touch()
    empty(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["stack.lock"]


def test_a_folder_that_is_no_data_folder_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(SetupError, match="no data folder"):
        empty(tmp_path)
    assert (tmp_path / "thesis.tex").exists()


def test_a_folder_that_is_in_use_is_left_alone(tmp_path):
    lock = FolderLock(tmp_path)
    (tmp_path / "stack.env").touch()
    try:
        with pytest.raises(SetupError, match="another stack"):
            empty(tmp_path)
    finally:
        lock.release()
    assert (tmp_path / "stack.env").exists()


def test_nothing_leads_to_another_stack(monkeypatch):
    monkeypatch.setenv("MICROBLOG_POSTGRES_URL", "postgresql://production")
    monkeypatch.setenv("MICROBLOG_CACHE_DIR", "/cache")
    detach_environment()
    assert "MICROBLOG_POSTGRES_URL" not in os.environ
    assert os.environ["MICROBLOG_CACHE_DIR"] == "/cache"


def test_load_meets_no_limit(monkeypatch):
    monkeypatch.setattr(os, "environ", {"MICROBLOG_LIMIT_POSTING": "1/day"})
    lift_limits()
    limits = Settings()
    assert (limits.limit_posting, limits.limit_reading, limits.max_followees) == ("", "", 0)
