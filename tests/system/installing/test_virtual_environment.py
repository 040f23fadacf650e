"""The Makefile's virtual environment: whatever has befallen it, the next make makes it good. More of it: tests/soak."""

import pytest

from tests.system.installing.conftest import runs

pytestmark = pytest.mark.integration


def test_an_installation_cut_short_by_a_kill_is_repeated(project):
    project.killed_while_it_installs()
    (project.folder / ".venv" / "left-by-the-killed").touch()
    assert runs(project.make("infra"))
    assert not (project.folder / ".venv" / "left-by-the-killed").exists()


def test_a_replaced_python_makes_it_new(project):
    project.has_environment(version="3.10.13")
    status, said = project.make("infra")
    assert "Making .venv anew" in said
    assert runs((status, said))


def test_a_complete_environment_is_left_alone(project):
    project.has_environment()
    status, said = project.make("infra")
    assert (status, "Making" in said, "Installing" in said) == (0, False, False)


def test_a_missing_python_is_reported_in_one_line(project):
    status, said = project.make("infra", "PYTHON=no-such-python")
    assert status != 0
    assert "There is no no-such-python" in said
