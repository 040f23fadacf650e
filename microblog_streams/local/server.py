"""One server process of the local stack: prepare, start, probe, stop and kill it.

Subclasses give its files, its command line and its probe. The stack runs the servers side by side.
"""

import signal
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from microblog_streams.domain.errors import SetupError
from microblog_streams.local.class_archive import ClassArchive, Wanted
from microblog_streams.local.jars import JarSet
from microblog_streams.local.options import Tuning
from microblog_streams.local.ports import HOST
from microblog_streams.local.process import Child, Children, server_environment


@dataclass(frozen=True, slots=True)
class ServerPaths:
    """The data folder, the cache of jars, the ports of all servers by name, and what JVMs are tuned for."""

    data_dir: Path
    cache_dir: Path
    ports: Mapping[str, int]
    tuning: Tuning = "start"

    @property
    def log_dir(self) -> Path:
        """The folder of all logs."""
        return self.data_dir / "logs"


class LocalServer(ABC):
    """One server of the stack. Methods block; the stack calls those of different servers in threads."""

    name: ClassVar[str]
    #: Names of the ports it listens on; the first is the one that clients use.
    port_names: ClassVar[Sequence[str]]
    #: The signal that stops it in good order, and the one that the reaper sends.
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    orphan_signal: ClassVar[signal.Signals] = signal.SIGKILL
    #: Seconds that it may take to stop.
    patience: ClassVar[float] = 20.0
    jars: JarSet | None = None
    archive: ClassArchive | None = None

    def __init__(self, place: ServerPaths) -> None:
        """Take the paths; nothing runs yet."""
        self.place = place
        self.home = place.data_dir / self.name
        self.log_file = place.log_dir / f"{self.name}.log"
        self.child: Child | None = None

    @property
    def port(self) -> int:
        """The port that clients use."""
        return self.place.ports[self.port_names[0]]

    @abstractmethod
    def prepare(self, children: Children) -> None:
        """Write its files; on the first start also make its data. SetupError: it cannot run here."""

    @abstractmethod
    def command(self) -> Sequence[str]:
        """Return the command line; never with a secret on it."""

    @abstractmethod
    def answers(self) -> bool:
        """Ask once whether it serves. OSErrors mean no; SetupError: it never will."""

    @abstractmethod
    def urls(self) -> Mapping[str, str]:
        """Return the settings that lead clients here, by the name of their variable."""

    def environment(self) -> dict[str, str]:
        """Return the environment that it runs in."""
        return server_environment(self.home)

    def wanted_archive(self) -> Wanted | None:
        """Return what its archive of classes is made from; None where it has none, or has it already."""
        if self.archive is None or self.archive.path.exists():
            return None
        return Wanted(self.archive, self.home, self.environment(), self.place.log_dir / "archives.log")

    def start(self, children: Children) -> None:
        """Start the process; does not wait."""
        self.child = children.start(
            self.command(), self.log_file, self.environment(), cwd=self.home, on_orphaned=self.orphan_signal
        )

    def run_tool(self, children: Children, command: Sequence[str]) -> None:
        """Run a command that prepares the data, to its end. Raises SetupError where it fails."""
        tool = children.start(command, self.log_file, self.environment(), cwd=self.home)
        if status := tool.wait():
            raise SetupError(f"{self.name} cannot be prepared: status {status}. {self._end_of_log(tool)}")

    def ready(self) -> bool:
        """Return whether it serves. Raises SetupError, with the end of its log, where it has ended."""
        if self.child is None:
            return False
        if (status := self.child.exit_status()) is not None:
            raise SetupError(f"{self.name} ended with status {status}. {self.last_words()}")
        try:
            return self.answers()
        except OSError:
            return False

    def last_words(self) -> str:
        """Return where its log is, and how that ends."""
        return self._end_of_log(self.child)

    def stop(self) -> bool:
        """Stop in good order; True where that needed no kill."""
        return self.child is None or self.child.stop(self.stop_signal, self.patience)

    def kill(self) -> None:
        """End it as a power failure would."""
        if self.child:
            self.child.kill()

    def pause(self) -> None:
        """Freeze it: connections stay, answers stop."""
        if self.child:
            self.child.signal_all(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after ``pause``."""
        if self.child:
            self.child.signal_all(signal.SIGCONT)

    def _end_of_log(self, child: Child | None) -> str:
        end = child.tail() if child else ""
        return f"The end of {self.log_file}:\n{end or '(nothing was logged)'}"

    def ask(self, request: bytes, at_least: int, timeout: float = 2.0) -> bytes:
        """Send bytes to the client port; return what comes back, once it is ``at_least`` so long. Raises OSError."""
        with socket.create_connection((HOST, self.port), timeout) as connection:
            connection.sendall(request)
            answer = b""
            while len(answer) < at_least:
                if not (more := connection.recv(4096)):
                    raise ConnectionError("closed")
                answer += more
            return answer


class Deadline:
    """Passes ``quiet`` seconds after a log last grew, and at the latest ``most`` seconds after the beginning.

    A server that still logs is slow, not broken.
    """

    def __init__(self, log: Path, quiet: float, most: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin now."""
        self._log, self._quiet, self._most, self._clock = log, quiet, most, clock
        self._begin = self._grown_at = clock()
        self._size = self._look()

    @property
    def seconds(self) -> float:
        """Seconds since the beginning."""
        return self._clock() - self._begin

    def passed(self) -> bool:
        """Return whether nothing more is to be waited for."""
        now, size = self._clock(), self._look()
        if size != self._size:
            self._grown_at, self._size = now, size
        return now - self._grown_at > self._quiet or now - self._begin > self._most

    def _look(self) -> int:
        try:
            return self._log.stat().st_size
        except OSError:
            return 0
