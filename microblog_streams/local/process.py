"""Child processes of the launcher: each in its own session, with a log, and ended by the reaper if the launcher dies.

Their environment is made here from an allow list. A Turkish locale ends Kafka, ``_JAVA_OPTIONS`` ends both JVMs, and
``LD_PRELOAD``, ``CLASSPATH``, ``PGDATA`` or ``KAFKA_OPTS`` change what a server does.
"""

import contextlib
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock

import psutil

from microblog_streams.config.settings import PREFIX
from microblog_streams.local import reaper
from microblog_streams.local.folder_lock import RECORD, process_birth

#: A log longer than this is put aside at the next start (bytes).
LOG_LIMIT = 10 * 1024 * 1024


class Children:
    """Starts processes, tells the reaper of them, and writes them down for the next start.

    ``keep_open`` (the folder's lock) stays open in all of them: as long as one lives, the folder is not free.
    """

    def __init__(self, data_dir: Path, keep_open: Sequence[int] = ()) -> None:
        """Start the reaper, with its own log below ``data_dir``."""
        self.mark = secrets.token_hex(8)
        self._lock = Lock()
        self._keep_open = keep_open
        log_dir = data_dir / "logs"
        log_dir.mkdir(parents=True, exist_ok=True)
        with (log_dir / "reaper.log").open("ab") as output:
            self._reaper = subprocess.Popen(  # noqa: S603 - our own command
                [sys.executable, "-P", reaper.__file__, self.mark],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                text=True,
                bufsize=1,
                env={name: value for name, value in worker_environment().items() if name != reaper.VARIABLE},
                start_new_session=True,
                pass_fds=keep_open,
            )
        self._record = (data_dir / RECORD).open("w", encoding="ascii", buffering=1)
        self._record.write(f"mark {self.mark}\nreaper {self._reaper.pid} {process_birth(self._reaper.pid)}\n")

    def start(
        self,
        command: Sequence[str],
        log: Path,
        environment: Mapping[str, str],
        cwd: Path | None = None,
        on_orphaned: signal.Signals = signal.SIGKILL,
    ) -> "Child":
        """Start ``command`` with its output in ``log``; ``on_orphaned`` is what the reaper ends it with."""
        _put_aside(log)
        marked = {**environment, reaper.VARIABLE: self.mark}
        with log.open("ab") as output:
            begin = output.tell()
            process = subprocess.Popen(  # noqa: S603 - our own command
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=marked,
                cwd=cwd,
                start_new_session=True,
                pass_fds=self._keep_open,
            )
        self._tell(f"add {process.pid} {int(on_orphaned)} {process_birth(process.pid)}")
        return Child(process, log, begin, self)

    def forget(self, pid: int) -> None:
        """Tell the reaper that a process has ended, before its number can be another's."""
        with contextlib.suppress(OSError):  # a full disk: the record's reader knows by its birth that it has ended
            self._tell(f"drop {pid}")

    def close(self) -> None:
        """Let the reaper do its last look around, and wait for it."""
        if self._reaper.stdin:
            with contextlib.suppress(OSError):
                self._reaper.stdin.close()
        self._reaper.wait()
        with contextlib.suppress(OSError):  # a full disk
            self._record.close()

    def _tell(self, line: str) -> None:
        with self._lock:
            if self._reaper.stdin:
                with contextlib.suppress(OSError):  # it was killed: the record remains for the next start
                    self._reaper.stdin.write(line + "\n")
            self._record.write(line + "\n")


class Child:
    """One process that was started, and the whole of its group."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path, begin: int, children: Children) -> None:
        """Wrap a process that runs; ``begin`` is where its part of the log begins."""
        self.log = log
        self._begin = begin
        self._process = process
        self._children = children
        self._lock = Lock()
        self._forgotten = False

    @property
    def pid(self) -> int:
        """The process' id, also that of its group."""
        return self._process.pid

    def exit_status(self) -> int | None:
        """Return how it ended (negative: by that signal); None while it runs."""
        status = self._process.poll()
        if status is not None:
            with self._lock:
                if not self._forgotten:
                    self._forgotten = True
                    self._children.forget(self.pid)
        return status

    def signal(self, number: int) -> None:
        """Send a signal to the process itself; nothing where it has ended."""
        if self.exit_status() is None:
            reaper.send(self.pid, number, only_leader=True)

    def signal_all(self, number: int) -> None:
        """Send a signal to the process and all that it started, also those in groups of their own."""
        if self.exit_status() is None:
            for process in self._family():
                with contextlib.suppress(psutil.Error):
                    process.send_signal(number)

    def wait(self) -> int:
        """Wait until it has ended; return how."""
        self._process.wait()
        status = self.exit_status()
        assert status is not None
        return status

    def stop(self, number: int, patience: float) -> bool:
        """Ask it to end and wait; killed after ``patience`` seconds. True where it ended by itself."""
        self.signal(signal.SIGCONT)
        self.signal(number)
        if reaper.wait_until(lambda: self.exit_status() is not None, patience):
            return True
        self.kill()
        return False

    def kill(self) -> None:
        """End the process and all that it started at once, and wait until they are gone."""
        if self.exit_status() is None:
            family = self._family()
            for process in family:
                with contextlib.suppress(psutil.Error):
                    process.kill()
            self._process.wait()
            psutil.wait_procs(family, timeout=reaper.KILL_AFTER_SECONDS)
            self.exit_status()

    def tail(self, lines: int = 15) -> str:
        """Return the last lines that it logged."""
        return tail(self.log, lines, self._begin)

    def _family(self) -> list[psutil.Process]:
        try:
            leader = psutil.Process(self.pid)
            return [leader, *leader.children(recursive=True)]
        except psutil.Error:
            return []


def tail(log: Path, lines: int, begin: int = 0) -> str:
    """Return the last lines of a log after the byte ``begin``; nothing where there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(begin, log.stat().st_size - 16_384))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return ""


def _put_aside(log: Path) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(log.with_suffix(".log.1"))


#: English messages, the byte order of strings, and UTF-8 for the names of files.
_LOCALE = {"LC_ALL": "C.UTF-8", "LANG": "C.UTF-8"}
#: What a server may know of the user's: where programs are, and which time the lines of its log are in.
_SERVERS = ("PATH", "TZ")
#: A worker is the Python program that runs already: it needs what that was started with.
_WORKERS = (*_SERVERS, "HOME", "TMPDIR", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "OPENSSL_CONF")


def server_environment(home: Path, given: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the variables of a server whose files are below ``home``."""
    return {"PATH": os.defpath, **_kept(given, _SERVERS), **_LOCALE, "HOME": str(home)}


def worker_environment(given: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the variables of a worker or command: the settings, and what Python itself needs."""
    settings = {name: value for name, value in given.items() if name.startswith(PREFIX)}
    return {"PATH": os.defpath, **_kept(given, _WORKERS), **settings, **_LOCALE}


def _kept(given: Mapping[str, str], names: tuple[str, ...]) -> dict[str, str]:
    return {name: given[name] for name in names if name in given}
