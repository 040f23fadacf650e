"""When a virtual environment is whole, and what of the user's pip configuration gets through to it."""

import errno
import os
import platform
from pathlib import Path

import pytest

from microblog_streams.local import virtual_environment
from microblog_streams.local.virtual_environment import BEGUN, is_usable, pip_settings, plain


@pytest.fixture
def folder(tmp_path):
    """A virtual environment that this Python made here."""
    made = tmp_path / "a project" / ".venv"
    made.mkdir(parents=True)
    (made / "pyvenv.cfg").write_text(f"version = {platform.python_version()}\ncommand = /bin/python3 -m venv {made}\n")
    return made


def changed(folder, old, new):
    config = folder / "pyvenv.cfg"
    assert old in config.read_text()
    config.write_text(config.read_text().replace(old, new))


def test_one_that_this_python_made_here_is_usable(folder):
    assert is_usable(folder)


def test_one_that_was_given_no_place_is_usable(folder):
    changed(folder, "command", "executable")
    assert is_usable(folder)


def test_a_newer_patch_of_the_same_python_is_no_other_python(folder):
    changed(folder, platform.python_version(), platform.python_version().rpartition(".")[0] + ".99")
    assert is_usable(folder)


def test_another_pythons_is_not(folder):
    changed(folder, "version = 3.", "version = 3.1")
    assert not is_usable(folder)


def test_another_folders_is_not(folder):
    assert not is_usable(folder.parent.rename(folder.parent.with_name("moved")) / ".venv")


def test_one_that_was_begun_and_not_finished_is_not(folder):
    (folder / BEGUN).touch()
    assert not is_usable(folder)


def test_a_folder_that_is_none_is_not(tmp_path):
    assert not is_usable(tmp_path)


@pytest.mark.parametrize("refused", [errno.EBUSY, errno.EXDEV], ids=["a mount point", "of an image's lower layer"])
def test_one_that_cannot_be_put_aside_is_made_anew_in_its_place(folder, monkeypatch, refused):
    def rename(self, target):
        raise OSError(refused, os.strerror(refused), str(self))

    monkeypatch.setattr(Path, "rename", rename)
    monkeypatch.setattr(virtual_environment, "_run", lambda command, environment: (0, ""))
    (folder / "lib" / "half a package").mkdir(parents=True)
    (folder / "lib64").symlink_to("lib")
    virtual_environment._make(folder)
    assert [path.name for path in folder.iterdir()] == [BEGUN]


def test_the_way_to_packages_gets_through_and_nothing_else():
    listed = [
        ":env:.target='/elsewhere'",
        ":env:.timeout='7'",
        "global.index-url='https://mirror.example/simple'",
        "global.no-deps='true'",
        "global.proxy='http://proxy.example:3128'",
        "global.timeout='60'",
        "install.extra-index-url='\\nhttps://a.example\\nhttps://b.example'",
        "install.user='true'",
    ]
    assert pip_settings(listed) == {
        "PIP_INDEX_URL": "https://mirror.example/simple",
        "PIP_PROXY": "http://proxy.example:3128",
        "PIP_EXTRA_INDEX_URL": "\nhttps://a.example\nhttps://b.example",
        "PIP_TIMEOUT": "7",
    }


def test_what_changes_how_python_runs_does_not_get_through():
    given = {"PYTHONHOME": "/x", "PYTHONPATH": "/x", "PIP_USER": "1", "HTTPS_PROXY": "http://p", "PATH": "/bin"}
    assert plain(given) == {"HTTPS_PROXY": "http://p", "PATH": "/bin"}
