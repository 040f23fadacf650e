"""The workers of ``make run``: started, watched, started again when they die, stopped in good order.

What an orchestrator does in production. Each has a web port of its own, counted up from the first, and its log.
"""

import signal
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from microblog_streams.config.settings import PREFIX, Settings
from microblog_streams.local.backoff import Backoff
from microblog_streams.local.environment import worker_environment
from microblog_streams.local.process import Child, Children

#: Seconds for a worker to drain and leave, besides the hold of acknowledgements that it waits out.
PATIENCE = 15.0
FAUST = (sys.executable, "-m", "faust", "-A", "microblog_streams")


@dataclass(slots=True)
class Worker:
    """One worker and its present process."""

    name: str
    web_port: int
    log: Path
    child: Child
    started_at: float
    backoff: Backoff = field(default_factory=Backoff)
    restart_at: float | None = None


class Workers:
    """All workers on one stack. ``notice`` shows a line to the person who watches."""

    def __init__(self, children: Children, settings: Settings, count: int, notice: Callable[[str], None]) -> None:
        """Start ``count`` workers."""
        self._children = children
        self._settings = settings
        self._count = count
        self._notice = notice
        first = settings.web_port
        self.all: Sequence[Worker] = [self._first_start(port) for port in range(first, first + count)]

    def look_after(self) -> None:
        """Note who died, and start them again when their wait is over. To be called again and again."""
        now = time.monotonic()
        for worker in self.all:
            status = worker.child.exit_status()
            if status is None:
                continue
            if worker.restart_at is None:
                wait = worker.backoff.after(now - worker.started_at)
                worker.restart_at = now + wait
                self._notice(
                    f"{worker.name} ended with status {status}; starting it again in {wait:g} s ({worker.log})"
                )
            elif now >= worker.restart_at:
                worker.child, worker.started_at, worker.restart_at = self._start(worker.web_port, worker.log), now, None

    def stop(self) -> None:
        """Let all of them finish what they do and leave, side by side."""
        patience = PATIENCE + self._settings.ack_hold
        with ThreadPoolExecutor(len(self.all)) as pool:
            list(pool.map(lambda worker: worker.child.stop(signal.SIGTERM, patience), self.all))

    def _first_start(self, web_port: int) -> Worker:
        own_name = self._settings.worker if self._count == 1 else None
        name = own_name or f"w{web_port}"
        log = self._settings.data_dir / "logs" / f"{name}.log"
        return Worker(name, web_port, log, self._start(web_port, log), time.monotonic())

    def _start(self, web_port: int, log: Path) -> Child:
        own = {
            f"{PREFIX}DATA_DIR": str(self._settings.data_dir),
            f"{PREFIX}WEB_PORT": str(web_port),
            f"{PREFIX}STATIC_MEMBERSHIP": "true",
        }
        environment = {**worker_environment(), **own}
        if self._count > 1:
            environment.pop(f"{PREFIX}WORKER", None)  # a name is one worker's; each goes by its port
            # Each table has a warm copy on another worker, which takes over without reading the changelog back.
            environment.setdefault(f"{PREFIX}STANDBY_REPLICAS", "1")
        level = self._settings.log_level.lower()
        return self._children.start([*FAUST, "worker", "-l", level], log, environment)
