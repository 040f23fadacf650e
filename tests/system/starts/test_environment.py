"""What a start does with the variables, options and packages of others; each test starts a process.

Options are read once everything is imported, so those processes are forked.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from microblog_streams.config import environment
from tests.support.live.command import run_command
from tests.support.waiting import DEADLINE_SECONDS

ROOT = Path(__file__).parents[3]


def test_libraries_are_imported_without_the_variables_that_mislead_them(tmp_path):
    look = (
        "import os, microblog_streams\n"
        "microblog_streams.app\n"
        "from prometheus_client import values\n"
        "print(sorted(name for name in os.environ if name.startswith(('PG', 'PROM'))), values.ValueClass.__name__)"
    )
    given = {"PGTZ": "Asia/Tokyo", "PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "MICROBLOG_DATA_DIR": str(tmp_path)}
    # Port 1 has no listener, so the start reaches no database.
    ours = {"MICROBLOG_POSTGRES_URL": "postgresql://127.0.0.1:1/none", "PATH": os.environ["PATH"]}
    command = [sys.executable, "-c", look]
    done = subprocess.run(
        command, env={**given, **ours}, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE_SECONDS
    )
    assert done.stdout == "[] MutexValue\n", done.stderr


def test_a_variable_that_faust_has_read_already_stops_the_start_with_one_line(tmp_path):
    command = [sys.executable, "-m", "faust", "-A", "microblog_streams", "worker"]
    given = {"F_WORKDIR": str(ROOT), "PATH": os.environ["PATH"], "MICROBLOG_DATA_DIR": str(tmp_path)}
    done = subprocess.run(command, env=given, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE_SECONDS)
    assert done.returncode == 3
    assert done.stderr.startswith("microblog: F_WORKDIR is set")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "option", ["--web-bind=0.0.0.0", "--web-port=7077", "--without-web", "--web-transport=unix:///x"]
)
def test_a_faust_option_for_another_address_stops_the_start_with_one_line(tmp_path, option):
    ours = {"MICROBLOG_POSTGRES_URL": "postgresql://127.0.0.1:1/none", "MICROBLOG_DATA_DIR": str(tmp_path)}
    given = {"MICROBLOG_AUTH": "open", "MICROBLOG_WEB_HOST": "::1", "PATH": os.environ["PATH"], **ours}
    status, _, errors = run_command(given, "worker", option)
    assert status == 3
    said = errors.decode()
    assert said.splitlines()[-1].startswith("microblog: a worker's web server is not configured by --web-bind")
    assert "Traceback" not in said


@pytest.mark.parametrize("name", environment.PACKAGES)
def test_a_foreign_package_with_the_name_of_ours_is_reported(tmp_path, name):
    other = tmp_path / name
    other.mkdir()
    (other / "__init__.py").write_text("")
    # From the folder of the start, which Faust looks in first, as PYTHONPATH would have it.
    command = [sys.executable, "-m", "faust", "-A", "microblog_streams", "worker"]
    given = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    done = subprocess.run(command, env=given, cwd=tmp_path, capture_output=True, text=True, timeout=DEADLINE_SECONDS)
    assert done.returncode == 3
    assert done.stderr.startswith(f"microblog: the Python package {name} was found in {tmp_path}")
    assert done.stderr.count("\n") == 1
