"""What the stack knows of each of its parts: how to prepare, start, ask, stop and kill it.

A part is one server process. Subclasses say what is particular (its files, its command line, how it answers); the
order of things, side by side with the other parts, is the stack's.
"""

import signal
import socket
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from microblog_streams.domain.errors import SetupError
from microblog_streams.local.environment import server_environment
from microblog_streams.local.jars import JarSet
from microblog_streams.local.ports import HOST
from microblog_streams.local.process import Child, Children


@dataclass(frozen=True, slots=True)
class Place:
    """Where a part lives: the data folder, the cache of jars, and the ports of all parts by name."""

    data_dir: Path
    cache_dir: Path
    ports: Mapping[str, int]

    @property
    def log_dir(self) -> Path:
        """The folder of all logs."""
        return self.data_dir / "logs"


class Part(ABC):
    """One server of the stack. The methods block; the stack calls those of different parts in threads."""

    name: ClassVar[str]
    #: Names of the ports it listens on; the first is the one that clients use.
    port_names: ClassVar[Sequence[str]]
    #: The signal that stops it in good order, and the one that the reaper sends.
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    orphan_signal: ClassVar[signal.Signals] = signal.SIGKILL
    #: Seconds that it may take to stop.
    patience: ClassVar[float] = 20.0
    jars: JarSet | None = None

    def __init__(self, place: Place) -> None:
        """Set up a part that does not run yet."""
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
        """Tell whether it serves. Raises SetupError, with the end of its log, where it has ended."""
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
