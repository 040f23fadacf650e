"""The launcher with the names, variables, limits and mounts that have ended servers, all at once: all four start.

Where the test may mount, the data folder is mounted noexec and /dev/shm has 16 KiB.
"""

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from microblog_streams.local.options import LocalSettings

pytestmark = pytest.mark.integration

INFRA = [sys.executable, "-m", "microblog_streams.local", "infra"]
#: Each of these has ended a server, or changed what it does, or does so to Python itself.
BAD = {
    "LC_ALL": "tr_TR.UTF-8",
    "LANG": "tr_TR.UTF-8",
    "_JAVA_OPTIONS": "-Xmx1m",
    "JDK_JAVA_OPTIONS": "--no-such-option",
    "CLASSPATH": "/no/such",
    "KAFKA_OPTS": "-Dno=such",
    "PGDATA": "/no/such",
    "PGHOSTADDR": "192.0.2.1",
    "PGSSLMODE": "require",
    "LD_PRELOAD": "/no/such.so",
    "TMPDIR": "/no/such",
    "PYTHONPATH": "/no/such",
}
#: What a properties file, YAML, a URL, a shell, a list of paths and a system without UTF-8 would read otherwise.
ODD = "josé, 日本 \\n\\x \"a\" 'b' $HOME ${b} `id` #c %d%20 [e] {f} ;g: = & * ! (h) ~ ?"
#: Mounts that only these processes see.
MOUNTS = "mount -t tmpfs -o noexec,size=4g none {data} && mount -t tmpfs -o size=16k none /dev/shm && "
SHELL = "umask 077; ulimit -Sn 256; exec {infra} <&-"


def may_mount():
    tried = ["unshare", "--mount", "sh", "-c", "mount -t tmpfs none /mnt"]
    try:
        return subprocess.run(tried, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


@pytest.fixture
def launcher(folder):
    """The launcher as ``nohup`` starts it, once it is ready."""
    data = folder.parent / ODD / "data"
    data.mkdir(parents=True)
    shell = SHELL.format(infra=shlex.join(INFRA))
    command = ["sh", "-c", shell]
    if may_mount():
        command = ["unshare", "--mount", "sh", "-c", MOUNTS.format(data=shlex.quote(str(data))) + shell]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MICROBLOG_")}
    own = {"HOME": str(data.parent), "MICROBLOG_DATA_DIR": str(data), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**kept, **BAD, **own, "MICROBLOG_CACHE_DIR": str(LocalSettings().cache_dir)},
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )
    said = []
    for line in process.stdout:
        said.append(line)
        if line.startswith("ready"):
            break
    yield process, "".join(said)
    process.kill()
    process.wait()
    process.stdout.close()


def is_server(child):
    """Return whether it is neither the reaper nor what makes an archive of classes, which ends by itself."""
    try:
        command = " ".join(child.cmdline())
    except psutil.Error:
        return False
    return "reaper.py" not in command and "-Xshare:dump" not in command


def soft_limit_of_files(pid):
    """Ask the kernel's table: prlimit may not be asked of another user's process, such as PostgreSQL's."""
    (line,) = (line for line in Path(f"/proc/{pid}/limits").read_text().splitlines() if line.startswith("Max open"))
    return int(line.split()[3])


def test_four_servers_start_with_none_of_the_users_variables_and_limits(launcher):
    process, said = launcher
    assert "ready" in said, said
    process.send_signal(signal.SIGHUP)
    servers = [child for child in psutil.Process(process.pid).children() if is_server(child)]
    assert sorted(server.name() for server in servers) == ["java", "java", "postgres", "valkey-server"]
    for server in servers:
        environment = server.environ()
        assert {name for name, value in BAD.items() if environment.get(name) == value} == set()
        # Valkey writes its title over its environment.
        assert server.name() == "valkey-server" or environment["LC_ALL"] == "C.UTF-8"
        assert soft_limit_of_files(server.pid) >= 1024
    process.terminate()
    rest = process.stdout.read()
    assert process.wait(60) == 0
    assert "stopped" in rest
    assert not any(server.is_running() for server in servers)
