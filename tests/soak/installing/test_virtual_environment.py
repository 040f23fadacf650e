"""The Makefile's virtual environment: a network that is away, a full disk, and what the user has configured."""

from tests.system.installing.conftest import runs


def test_it_is_made_once_and_kept_where_nothing_can_be_installed(project):
    """As without network, after an update of the pinned versions."""
    assert runs(project.make("infra"))
    status, said = project.make("infra")
    assert (status, "Installing" in said) == (0, False)
    (project.folder / ".venv" / "kept").touch()
    project.write("constraints.txt", "no such thing/")
    assert project.make("infra")[0] != 0
    project.write("constraints.txt", "")
    assert runs(project.make("infra"))
    assert (project.folder / ".venv" / "kept").exists()


def test_an_installation_cut_short_by_a_full_disk_is_repeated(project):
    project.write("how", "fail")
    status, said = project.make("infra")
    assert status != 0
    assert "pip cannot install into .venv" in said
    project.write("how", "")
    (project.folder / ".venv" / "left-by-the-failed").touch()
    assert runs(project.make("infra"))
    assert not (project.folder / ".venv" / "left-by-the-failed").exists()


def test_the_users_pip_and_python_configuration_changes_nothing(project, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    config = tmp_path / "pip.conf"
    config.write_text(
        f"[install]\nuser = true\nroot = {elsewhere}\nno-deps = true\n[global]\nrequire-virtualenv = true\n"
    )
    astray = {
        "PIP_CONFIG_FILE": str(config),
        "PIP_USER": "1",
        "PIP_TARGET": str(elsewhere),
        "PIP_PREFIX": str(elsewhere),
        "PIP_REQUIRE_VIRTUALENV": "1",
        "PIP_CONSTRAINT": str(elsewhere),
        "PIP_DRY_RUN": "1",
        "PYTHONPATH": str(elsewhere),
        "PYTHONHOME": str(elsewhere),
        "PYTHONSAFEPATH": "1",
    }
    status, said = project.make("infra", **astray)
    assert runs((status, said))
    assert str(elsewhere) not in said
    assert not elsewhere.exists()
