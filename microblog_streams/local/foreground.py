"""A stack in the foreground: until Ctrl-C, SIGTERM, a closed terminal, or the end of the process that started it.

``prepare_process`` and ``handle_signals`` first repair what the launcher's process was started with, because all
servers inherit it: a umask of 077 or 000, a low limit of open files, closed standard streams, ignored signals.
"""

import contextlib
import io
import os
import resource
import signal
import sys
from collections.abc import Callable
from threading import Event
from types import FrameType

from rich.console import Console

from microblog_streams.domain.errors import SetupError
from microblog_streams.local.stack import Stack

#: Seconds between two checks of what runs.
_TICK_SECONDS = 0.2


class Foreground:
    """Runs one stack on a console, and knows when to end."""

    def __init__(self, stack: Stack, console: Console) -> None:
        """Prepare this process, and handle its signals. Raises SetupError if it may open too few files."""
        prepare_process()
        self.stack = stack
        self.console = console
        self._stopping = Event()
        self._watched: list[Callable[[], None]] = []
        self._parent = os.getppid()
        handle_signals(self._on_signal)

    def bring_up(self) -> None:
        """Start the stack, and show how it goes. Raises what ``Stack.start`` raises."""
        with self.console.status("starting Kafka, Cassandra, PostgreSQL and Valkey"):
            self.stack.start(on_ready=lambda name, seconds: self.say(f"{name:<10} {seconds:4.1f} s"))

    def tick(self) -> bool:
        """Wait a moment, and start again what has ended; False when it is time to end.

        Raises SetupError where a part keeps ending.
        """
        if self._stopping.wait(_TICK_SECONDS) or os.getppid() != self._parent:
            return False
        self.stack.revive(self.say)
        for look_after in self._watched:
            look_after()
        return True

    def watch(self, look_after: Callable[[], None]) -> None:
        """Have each ``tick`` call this too."""
        self._watched.append(look_after)

    def stop(self) -> None:
        """Stop the stack, and say so."""
        with self.console.status("stopping"):
            self.stack.stop()
        self.say("stopped")

    def say(self, text: str) -> None:
        """Show one line as it is: no colours, no wrapping, so that it can be pasted."""
        with contextlib.suppress(OSError):  # the terminal was closed, and we were told to go on (nohup)
            self.console.print(text, soft_wrap=True, markup=False, highlight=False)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping.set()
        self.stack.interrupt()


#: Files that a process may open: what Kafka, the largest, has open with some hundred partitions, and room.
NEEDED_FILES = 1024
#: More helps no server, and programs that look at each possible descriptor take long.
_ENOUGH_FILES = 65_536

Handler = Callable[[int, FrameType | None], object]


def prepare_process() -> None:
    """Repair standard streams, umask, limits and libpq's variables. Raises SetupError for too few open files."""
    _open_standard_streams()
    os.umask(0o022)  # what is secret has a mode of its own
    raise_file_limit()
    for limit in (resource.RLIMIT_FSIZE, resource.RLIMIT_AS):  # a file's length, a process' addresses
        _, hard = resource.getrlimit(limit)
        resource.setrlimit(limit, (hard, hard))
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]  # libpq would take them over what it is told


def raise_file_limit() -> None:
    """Allow this process and its children as many open files as may be. Raises SetupError where that is too few."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    may = _ENOUGH_FILES if hard == unlimited else min(hard, _ENOUGH_FILES)
    if soft != unlimited and soft < may:
        resource.setrlimit(resource.RLIMIT_NOFILE, (may, hard))
        soft = may
    if soft != unlimited and soft < NEEDED_FILES:
        raise SetupError(
            f"a process may open {soft} files here (ulimit -Hn), and Kafka and Cassandra need {NEEDED_FILES}: "
            f"raise the limit with ulimit -n {NEEDED_FILES}, or in /etc/security/limits.conf"
        )


def handle_signals(handler: Handler) -> None:
    """Call ``handler`` on the signals that ask for an end, but not on those that were ignored when this began.

    ``nohup`` has SIGHUP ignored, and a script's ``&`` SIGINT. Ignored here means a handler that does nothing: children
    get the default then, while they would inherit SIG_IGN, and could not be stopped by that signal.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, _do_nothing)
        elif number is not signal.SIGQUIT:
            signal.signal(number, handler)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # ignored, the exit status of every child would be lost
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _do_nothing(_number: int, _frame: FrameType | None) -> None:
    pass


def _open_standard_streams() -> None:
    """Open what is closed, or the next file would be taken for it; have output never fail for a letter."""
    while (fd := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(fd)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            with contextlib.suppress(OSError, ValueError):
                stream.reconfigure(errors="replace")
