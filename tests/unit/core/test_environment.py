"""Other libraries' variables are removed, those that were read already are refused, and ours stay."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from microblog_streams.config import environment
from microblog_streams.domain.errors import SetupError
from microblog_streams.stores.postgres.session import target

ROOT = Path(__file__).parents[3]
FOREIGN = (
    *("PGTZ", "PGPASSWORD", "PGSERVICEFILE", "PGOPTIONS", "PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir"),
    *("OTEL_EXPORTER_OTLP_ENDPOINT", "SSLKEYLOGFILE", "DJANGO_SETTINGS_MODULE", "UV_THREADPOOL_SIZE", "LIBEV_FLAGS"),
)
OURS = {"MICROBLOG_POSTGRES_URL": "postgresql://h/d", "HOME": "/home/ann", "SSL_CERT_FILE": "/ca.pem", "TZ": "UTC"}
NO_ARGUMENTS = ("faust", "-A", "microblog_streams", "worker")


@pytest.mark.parametrize("name", FOREIGN)
def test_a_variable_of_another_library_is_removed_and_the_others_stay(name):
    variables = {name: "1", **OURS}
    environment.close(variables, NO_ARGUMENTS)
    assert variables == OURS


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((f"{prefix}{name}", "1") for prefix in ("F_", "FAUST_") for name in ("DEBUG", "WORKDIR", "STRICT")),
        ("FAUST_LOOP", "gevent"),
        ("AIOHTTP_NO_EXTENSIONS", "1"),
        ("AIOKAFKA_NO_EXTENSIONS", "1"),
        ("NO_CYTHON", "1"),
    ],
)
def test_a_variable_that_was_read_already_is_refused_by_its_name(name, value):
    with pytest.raises(SetupError, match=f"^{name} is set.*unset it"):
        environment.close({name: value}, NO_ARGUMENTS)


@pytest.mark.parametrize(
    "variables", [{"F_LOOP": "uvloop"}, {"FAUST_DEBUG": ""}, {"F_DATADIR": "x"}, {"NO_CYTHON": ""}, OURS]
)
def test_what_changes_nothing_is_not_refused(variables):
    environment.close(dict(variables), NO_ARGUMENTS)


def test_a_working_folder_of_the_command_line_is_no_variable():
    environment.close({"F_WORKDIR": "/srv"}, (*NO_ARGUMENTS, "--workdir=/srv"))


def test_libpq_takes_nothing_from_the_home_folder():
    where = target("postgresql://ann@h/d", "test", {})
    for name in ("passfile", "sslcert", "sslkey", "sslrootcert", "sslcrl"):
        assert not Path(where[name]).exists()
    assert where["gssencmode"] == "disable"


def test_libpqs_options_in_the_url_count():
    where = target("postgresql://h/d?sslrootcert=/ca.pem&passfile=/run/secrets/pgpass&gssencmode=prefer", "test", {})
    assert (where["sslrootcert"], where["passfile"], where["gssencmode"]) == (
        "/ca.pem",
        "/run/secrets/pgpass",
        "prefer",
    )


def test_a_service_of_libpqs_service_file_is_refused():
    with pytest.raises(SetupError, match="MICROBLOG_POSTGRES_URL: service= is not supported"):
        target("postgresql://h/d?service=main", "test", {})


def test_a_worker_closes_before_the_libraries_are_imported(tmp_path):
    look = (
        "import os, microblog_streams\n"
        "microblog_streams.app\n"
        "from prometheus_client import values\n"
        "print(sorted(name for name in os.environ if name.startswith(('PG', 'PROM'))), values.ValueClass.__name__)"
    )
    given = {"PGTZ": "Asia/Tokyo", "PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "MICROBLOG_DATA_DIR": str(tmp_path)}
    # Nobody listens at port 1, so that the start asks no database.
    ours = {"MICROBLOG_POSTGRES_URL": "postgresql://127.0.0.1:1/none", "PATH": os.environ["PATH"]}
    command = [sys.executable, "-c", look]
    done = subprocess.run(command, env={**given, **ours}, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout == "[] MutexValue\n", done.stderr


def test_a_variable_that_was_read_already_ends_a_start_with_one_line(tmp_path):
    command = [sys.executable, "-m", "faust", "-A", "microblog_streams", "worker"]
    given = {"F_WORKDIR": str(ROOT), "PATH": os.environ["PATH"], "MICROBLOG_DATA_DIR": str(tmp_path)}
    done = subprocess.run(command, env=given, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 3
    assert done.stderr.startswith("microblog: F_WORKDIR is set")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "option", ["--web-bind=0.0.0.0", "--web-port=7077", "--without-web", "--web-transport=unix:///x"]
)
def test_an_option_of_fausts_that_would_serve_elsewhere_ends_a_start_with_one_line(tmp_path, option):
    command = [sys.executable, "-m", "faust", "-A", "microblog_streams", "worker", option]
    ours = {"MICROBLOG_POSTGRES_URL": "postgresql://127.0.0.1:1/none", "MICROBLOG_DATA_DIR": str(tmp_path)}
    given = {"MICROBLOG_AUTH": "open", "MICROBLOG_WEB_HOST": "::1", "PATH": os.environ["PATH"], **ours}
    done = subprocess.run(command, env=given, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 3
    assert done.stderr.splitlines()[-1].startswith("microblog: a worker's web server is not configured by --web-bind")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", environment.PACKAGES)
def test_a_package_of_somebody_else_s_under_a_name_of_ours_is_told_of(tmp_path, name):
    other = tmp_path / name
    other.mkdir()
    (other / "__init__.py").write_text("")
    # From the folder of the start, which Faust looks in first, as PYTHONPATH would have it.
    command = [sys.executable, "-m", "faust", "-A", "microblog_streams", "worker"]
    given = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    done = subprocess.run(command, env=given, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 3
    assert done.stderr.startswith(f"microblog: the Python package {name} is another one's, in {tmp_path}")
    assert done.stderr.count("\n") == 1
