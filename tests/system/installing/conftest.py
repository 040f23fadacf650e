"""A tiny project with this one's Makefile, that needs no packages: real make, venv and pip, and no network."""

import os
import platform
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent

import pytest

from microblog_streams.local.reaper import wait_until

ROOT = Path(__file__).parents[3]
THIS_PYTHON = platform.python_version()
INSTALLER = Path("microblog_streams", "local", "virtual_environment.py")
#: Builds the project's wheel by hand, and does as the file ``how`` says: nothing else, ``wait`` for ever, or ``fail``
#: after something was installed.
BACKEND = """
import os, pathlib, time, zipfile

def build_editable(folder, config_settings=None, metadata_directory=None):
    how = pathlib.Path("how").read_text()
    for site in pathlib.Path(".venv").glob("lib/python*/site-packages"):
        (site / "half_a_package").mkdir(exist_ok=True)
    while how == "wait":
        pathlib.Path("waits").touch()
        time.sleep(0.1)
    if how == "fail":
        raise OSError(28, os.strerror(28))
    info = "tiny-1.dist-info/"
    with zipfile.ZipFile(pathlib.Path(folder, "tiny-1-py3-none-any.whl"), "w") as wheel:
        wheel.writestr("tiny.pth", os.getcwd())
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: tiny\\nVersion: 1\\nProvides-Extra: local\\n")
        about = "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
        wheel.writestr(info + "WHEEL", about)
        wheel.writestr(info + "RECORD", "")
    return "tiny-1-py3-none-any.whl"
"""


class Project:
    """The project in a folder, and what make says in it."""

    def __init__(self, folder):
        self.folder = folder

    def make(self, *targets, stdin="", **environment):
        """Run make; return its exit status and all that it printed."""
        done = subprocess.run(
            self._command(*targets),
            cwd=self.folder,
            env={**os.environ, **environment},
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
        )
        return done.returncode, done.stdout

    @contextmanager
    def asks(self, *targets):
        """Run make until it asks; give what answers it, and returns its exit status and what it printed then."""
        with subprocess.Popen(
            self._command(*targets),
            cwd=self.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as started:
            said = ""
            while not said.endswith("[y/N] "):
                said += (more := started.stdout.read(1))
                assert more, f"it asked nothing: {said}"

            def answer(text):
                printed, _ = started.communicate(text, timeout=60)
                return started.returncode, printed

            yield answer

    def killed_while_it_installs(self):
        """Run make, and kill it and all that it started once pip installs."""
        self.write("how", "wait")
        started = subprocess.Popen(
            self._command("run"),
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert wait_until((self.folder / "waits").exists, 120)
        os.killpg(started.pid, signal.SIGKILL)
        started.wait()
        self.write("how", "")

    def has_environment(self, version=THIS_PYTHON):
        """Make a virtual environment by hand, in which everything is installed, by a Python of that version."""
        environment = self.folder / ".venv"
        pip = environment / "lib" / f"python{version.rpartition('.')[0]}" / "site-packages" / "pip"
        for folder in (pip, environment / "bin"):
            folder.mkdir(parents=True)
        (pip / "__init__.py").touch()
        (environment / "bin" / "python").symlink_to(Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}"))
        home = f"home = {sys.base_prefix}/bin\nversion = {version}\n"
        (environment / "pyvenv.cfg").write_text(f"{home}command = python3 -m venv {environment}\n")
        (environment / ".run").touch()

    def write(self, name, text):
        (self.folder / name).write_text(text)

    @staticmethod
    def _command(*targets):
        return ["make", f"PYTHON={sys.executable}", *targets]


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "a project"
    (folder / INSTALLER.parent).mkdir(parents=True)
    for file in (Path("Makefile"), INSTALLER):
        shutil.copy(ROOT / file, folder / file)
    (folder / INSTALLER.parent / "__main__.py").write_text("import sys; print('runs', sys.argv[1], sys.path)")
    for package in (INSTALLER.parent.parent, INSTALLER.parent):
        (folder / package / "__init__.py").touch()
    (folder / "backend.py").write_text(BACKEND)
    (folder / "pyproject.toml").write_text(
        dedent("""\
            [build-system]
            requires = []
            build-backend = "backend"
            backend-path = ["."]
            """)
    )
    for empty in ("constraints.txt", "setup.cfg", "how"):
        (folder / empty).touch()
    return Project(folder)


def runs(result):
    """Return whether make has started the program. Fails where it ended badly."""
    status, said = result
    assert status == 0, said
    return "runs infra" in said
