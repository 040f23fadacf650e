"""A command of ours as a process beside the workers."""

import signal
import subprocess
import sys
from pathlib import Path

from tests.support.live.stack import RunningStack
from tests.support.live.worker import ROOT
from tests.support.waiting import DEADLINE_SECONDS

#: Seconds within which a command has ended, on a busy machine too.
DEADLINE = DEADLINE_SECONDS


class Command:
    """``faust -A microblog_streams`` with these arguments; it begins at once."""

    def __init__(self, stack: RunningStack, *arguments: str) -> None:
        self.log: Path = stack.stack.data_dir / "logs" / f"{arguments[0]}.log"
        with self.log.open("ab") as log:
            line = [sys.executable, "-m", "faust", "-A", "microblog_streams", *arguments]
            self.process = subprocess.Popen(line, stdout=log, stderr=log, cwd=ROOT, env=stack.environment)

    def ended(self) -> int:
        """Wait for the end; return the exit status."""
        try:
            return self.process.wait(DEADLINE)
        finally:
            self.process.kill()
            self.process.wait()

    def kill(self) -> None:
        """End it as a power failure would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def told(self) -> str:
        """Return what it and those before it of its name have written."""
        return self.log.read_text(errors="replace")
