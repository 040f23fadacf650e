"""The sources of settings, and the worker's name and folder. Values that are refused: test_settings.py."""

import os
from pathlib import Path

import pytest

from microblog_streams.config.settings import load_settings, load_settings_or_exit


@pytest.fixture
def data(monkeypatch, tmp_path):
    """The data folder of a machine without variables."""
    for name in [name for name in os.environ if name.startswith("MICROBLOG_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("MICROBLOG_DATA_DIR", str(tmp_path))
    return tmp_path


def test_the_file_of_the_local_stack_is_read(data):
    (data / "stack.env").write_text("MICROBLOG_WEB_PORT=7000\nMICROBLOG_REDIS_URL=redis://:pass@127.0.0.1:1/0\n")
    settings = load_settings()
    assert (settings.web_port, settings.redis_url.get_secret_value()) == (7000, "redis://:pass@127.0.0.1:1/0")


def test_the_environment_overrides_the_local_stacks_file(data, monkeypatch):
    (data / "stack.env").write_text("MICROBLOG_WEB_PORT=7000\n")
    monkeypatch.setenv("MICROBLOG_WEB_PORT", "7001")
    assert load_settings().web_port == 7001


def test_an_error_in_the_local_stacks_file_names_the_variable(data, capsys):
    (data / "stack.env").write_text("MICROBLOG_WEB_PORT=none\n")
    with pytest.raises(SystemExit) as ended:
        load_settings_or_exit()
    told = capsys.readouterr().err
    assert ended.value.code == 3
    assert told.startswith("microblog: MICROBLOG_WEB_PORT: ")
    assert told.count("\n") == 1


def test_without_the_local_stacks_file_defaults_apply(data):
    assert load_settings().web_port == 6066


def test_the_data_folder_defaults_to_the_working_folder(data, monkeypatch):
    monkeypatch.chdir(data)
    monkeypatch.delenv("MICROBLOG_DATA_DIR")
    (data / ".data").mkdir()
    (data / ".data" / "stack.env").write_text("MICROBLOG_WEB_PORT=7000\n")
    settings = load_settings()
    assert (settings.data_dir, settings.web_port) == (Path(".data"), 7000)
    assert settings.worker_dir == data / ".data" / "workers" / "w7000"


def test_a_workers_name_defaults_to_its_port(data, monkeypatch):
    assert load_settings().worker_name == "w6066"
    monkeypatch.setenv("MICROBLOG_WORKER", "blue-1")
    assert load_settings().worker_name == "blue-1"
    assert load_settings().worker_dir == data / "workers" / "blue-1"
