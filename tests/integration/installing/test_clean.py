"""``make clean`` spares the data; ``make clean-data`` asks, and spares a stack that runs."""

import os

import pytest

pytestmark = pytest.mark.integration


@pytest.fixture
def data(project):
    """The folders of a run and of a demo."""
    folders = [project.folder / ".data", project.folder / ".data-demo"]
    for folder in folders:
        (folder / "kafka").mkdir(parents=True)
    return folders


def test_clean_removes_the_virtual_environment_and_spares_the_data(project, data):
    project.has_environment()
    assert project.make("clean")[0] == 0
    assert not (project.folder / ".venv").exists()
    assert all((folder / "kafka").exists() for folder in data)


@pytest.mark.parametrize("answer", ["", "\n", "n\n", "yes?\n"])
def test_clean_data_removes_nothing_without_a_yes(project, data, answer):
    status, said = project.make("clean-data", stdin=answer)
    assert status != 0
    assert "Nothing was removed" in said
    assert all((folder / "kafka").exists() for folder in data)


def test_clean_data_removes_it_after_a_yes(project, data):
    assert project.make("clean-data", stdin="y\n")[0] == 0
    assert not any(folder.exists() for folder in data)


def test_clean_data_spares_a_stack_that_runs(project, data):
    (data[0] / "stack.lock").write_text(f"{os.getpid()} born")
    status, said = project.make("clean-data", stdin="y\n")
    assert status != 0
    assert f"A stack runs on .data (process {os.getpid()})" in said
    assert all((folder / "kafka").exists() for folder in data)


def test_clean_data_takes_no_notice_of_a_stack_that_has_ended(project, data):
    (data[0] / "stack.lock").write_text("2000000001 born")
    assert project.make("clean-data", stdin="y\n")[0] == 0
    assert not any(folder.exists() for folder in data)
