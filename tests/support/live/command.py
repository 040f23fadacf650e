"""A command of ours as a process beside the workers."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from microblog_streams.config.settings import PREFIX
from tests.support.live.forked import Forked
from tests.support.live.stack import RunningStack
from tests.support.waiting import DEADLINE_SECONDS

#: Seconds within which a command has ended, on a busy machine too.
DEADLINE = DEADLINE_SECONDS


class Outcome(NamedTuple):
    """How a command ended: exit status, standard output and error output."""

    status: int
    said: bytes
    errors: bytes


def run_command(environment: Mapping[str, str], *arguments: str, app: str = "microblog_streams") -> Outcome:
    """Run ``faust -A microblog_streams`` with these arguments to its end, without a terminal."""
    with tempfile.TemporaryDirectory(prefix="microblog-test-") as folder:
        said, errors = Path(folder, "stdout"), Path(folder, "stderr")
        process = Forked(["-A", app, *arguments], environment, said, errors)
        try:
            status = process.wait(DEADLINE)
        finally:
            process.kill()
        return Outcome(status, said.read_bytes(), errors.read_bytes())


class Command:
    """``faust -A microblog_streams`` with these arguments; it begins at once.

    Settings by their names without prefix win over the stack's.
    """

    def __init__(self, stack: RunningStack, *arguments: str, **settings: str) -> None:
        environment = {**stack.environment, **{f"{PREFIX}{name}": value for name, value in settings.items()}}
        self.log: Path = stack.stack.data_dir / "logs" / f"{arguments[0]}.log"
        self.process = Forked(["-A", "microblog_streams", *arguments], environment, self.log)

    def ended(self) -> int:
        """Wait for the end; return the exit status."""
        try:
            return self.process.wait(DEADLINE)
        finally:
            self.process.kill()
            self.process.wait()

    def kill(self) -> None:
        """End it as a power failure would."""
        self.process.kill()
        self.process.wait()

    def told(self) -> str:
        """Return what it and those before it of its name have written."""
        return self.log.read_text(errors="replace")
