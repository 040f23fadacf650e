"""What is built for others to install: it is complete, and a worker of it runs as a user without rights or a home."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

from microblog_streams.config.settings import PREFIX
from microblog_streams.local.postgres import Identity
from tests.support.live.ports import free_port
from tests.support.live.worker import Worker

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[3]
PACKAGES = ("microblog_streams", "agents", "tables", "web")
#: A user id without an entry in /etc/passwd, as containers are started with.
UID = 12_345


def tracked(*paths):
    """Return the files of the checkout below these paths, as git lists them."""
    done = subprocess.run(["git", "ls-files", *paths], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The wheel and the sdist, built from the files that git knows."""
    folder = tmp_path_factory.mktemp("built")
    source = folder / "source"
    for name in tracked():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, source / name, follow_symlinks=False)
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, source], check=True
    )
    script = f"from setuptools.build_meta import build_sdist; build_sdist({str(folder)!r})"
    subprocess.run([sys.executable, "-c", script], cwd=source, check=True, capture_output=True)
    return folder


def only(folder, pattern):
    [found] = folder.glob(pattern)
    return found


def test_the_wheel_has_every_file_of_the_packages_and_nothing_else(built):
    with zipfile.ZipFile(only(built, "*.whl")) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert names == {name for name in tracked(*PACKAGES) if not name.endswith("README.md")}


def test_the_source_distribution_is_enough_to_build_from(built):
    with tarfile.open(only(built, "*.tar.gz")) as source:
        names = {name.partition("/")[2] for name in source.getnames()}
    assert set(tracked(*PACKAGES, "setup.cfg", "pyproject.toml", "README.md", "LICENSE")) <= names


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory):
    """A virtual environment in a folder of its own, which has the wheel, and takes its requirements from this one."""
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    python = folder / "venv" / "bin" / "python"
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", only(built, "*.whl")], check=True
    )
    packages = only(folder, "venv/lib/python*/site-packages")
    (packages / "requirements.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


def unprivileged(command):
    """Return the command that runs another as a user without rights, other than to read below closed folders.

    As root only, because no other user can become another. The interpreter may lie below root's home.
    """
    return Identity("", UID, UID, reach=True).command(command) if os.getuid() == 0 else command


def run(installed, name, *arguments):
    command = unprivileged([str(installed / "venv" / "bin" / name), *arguments])
    environment = {"PATH": os.defpath, "HOME": "/nonexistent"}
    return subprocess.run(command, cwd=installed, env=environment, capture_output=True, text=True, timeout=120)


def test_both_commands_are_there(installed):
    done = run(installed, "microblog-streams", "--help")
    assert done.returncode == 0, done.stderr
    assert all(command in done.stdout for command in ("worker", "migrate", "verify", "import-graph"))
    done = run(installed, "microblog", "--help")
    assert done.returncode == 0, done.stderr


def test_a_worker_runs_without_rights_and_writes_only_its_data_folder(installed, migrated, eventually, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    if os.getuid() == 0:
        os.chown(data, UID, UID)
    urls = {name: value for name, value in migrated.environment.items() if name.startswith(PREFIX)}
    environment = {"PATH": os.defpath, "HOME": "/nonexistent", **urls, f"{PREFIX}DATA_DIR": str(data)}
    port = free_port()
    environment |= {f"{PREFIX}WEB_PORT": str(port), f"{PREFIX}WORKER": "wheel"}
    log = tmp_path / "worker.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            unprivileged([str(installed / "venv" / "bin" / "microblog-streams"), "worker", "-l", "info"]),
            cwd=data,
            env=environment,
            stdout=output,
            stderr=output,
        )
    worker = Worker("wheel", port, environment, log, process=process)
    try:
        eventually(lambda: process.poll() is not None or worker.well(), worker)
        assert process.poll() is None, worker.tail()
        assert worker.call("POST", "/users/", {"username": f"wheel{port}"}).status == 201
        assert [path.name for path in data.iterdir()] == ["workers"]
    finally:
        assert worker.stop() == 0
