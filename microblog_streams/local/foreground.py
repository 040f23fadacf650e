"""A stack in the foreground: until Ctrl-C, SIGTERM, a closed terminal, or the end of the process that started it."""

import contextlib
import os
from collections.abc import Callable
from threading import Event
from types import FrameType

from rich.console import Console

from microblog_streams.local import surroundings
from microblog_streams.local.stack import Stack

#: Seconds between two looks at what runs.
INTERVAL = 0.2


class Foreground:
    """Runs one stack on a console, and knows when to end."""

    def __init__(self, stack: Stack, console: Console) -> None:
        """Take over the signals and the surroundings of this process. Raises SetupError where those do not do."""
        surroundings.make_good()
        self.stack = stack
        self.console = console
        self._stopping = Event()
        self._watched: list[Callable[[], None]] = []
        self._parent = os.getppid()
        surroundings.handle(self._on_signal)

    def bring_up(self) -> None:
        """Start the stack, and show how it goes. Raises what ``Stack.start`` raises."""
        with self.console.status("starting Kafka, Cassandra, PostgreSQL and Valkey"):
            self.stack.start(on_ready=lambda name, seconds: self.say(f"{name:<10} {seconds:4.1f} s"))

    def tick(self) -> bool:
        """Wait a moment; False when it is time to end. Raises SetupError where a part has ended by itself."""
        if self._stopping.wait(INTERVAL) or os.getppid() != self._parent:
            return False
        self.stack.check()
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
