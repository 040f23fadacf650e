"""The workers of ``make run``: start, probe for readiness, restart with backoff, stop.

An orchestrator does this in production. Each worker has its own web port, counted up from the first, and its own log.
"""

import http.client
import json
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from microblog_streams.config.settings import PREFIX, Settings
from microblog_streams.local.process import Child, Children, worker_environment

#: Seconds for a worker to drain and leave, besides the hold of acknowledgements that it waits out.
DRAIN_SECONDS = 15.0
FAUST = (sys.executable, "-m", "faust", "-A", "microblog_streams")


@dataclass(slots=True)
class Backoff:
    """Seconds before the next start: doubling from ``first`` to ``most``, from the beginning after a calm run."""

    first: float = 1.0
    most: float = 10.0
    #: A worker that ran this long (seconds) has not died of what killed it before.
    calm: float = 60.0
    _next: float = 0.0

    def after(self, lived: float) -> float:
        """Return the wait after a run of ``lived`` seconds."""
        if lived >= self.calm or not self._next:
            self._next = self.first
        wait, self._next = self._next, min(self._next * 2, self.most)
        return wait


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

    def __init__(
        self,
        children: Children,
        settings: Settings,
        count: int,
        notice: Callable[[str], None],
        defaults: Mapping[str, str] | None = None,
        faust: Sequence[str] = FAUST,
        fixed: Mapping[str, str] | None = None,
    ) -> None:
        """Start ``count`` workers. ``defaults`` are settings by variable, for which the user's environment wins.

        ``faust`` is the command line of another Faust app, ``fixed`` are settings that win over the environment.
        """
        self._children = children
        self._settings = settings
        self._count = count
        self._notice = notice
        self._defaults = defaults or {}
        self._faust = faust
        self._fixed = fixed or {}
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
        patience = DRAIN_SECONDS + self._settings.ack_hold
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
        environment = {**self._defaults, **worker_environment(), **own, **self._fixed}
        if self._count > 1:
            environment.pop(f"{PREFIX}WORKER", None)  # a name is one worker's; each goes by its port
            # Each table has a warm copy on another worker, which takes over without reading the changelog back.
            environment.setdefault(f"{PREFIX}STANDBY_REPLICAS", "1")
        level = self._settings.log_level.lower()
        return self._children.start([*self._faust, "worker", "-l", level], log, environment)


#: Seconds that one question may take.
TIMEOUT = 2.0


@dataclass(frozen=True, slots=True)
class Page:
    """An answer: its status and its JSON, an empty mapping where it is none."""

    status: int
    body: object


def get(host: str, port: int, path: str) -> Page | None:
    """Ask a worker; None where it does not answer."""
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return Page(response.status, _json(response.read()))
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def awaited(host: str, port: int) -> str | None:
    """Return what a worker still waits for, in a few words; None once it is ready."""
    ready = get(host, port, "/ready")
    if ready is None:
        return "its web server"
    if ready.status != http.HTTPStatus.OK:
        return str(ready.body.get("detail") or "its start") if isinstance(ready.body, dict) else "its start"
    health = get(host, port, "/health")
    return None if health and _tables_recovered(health.body) else "its tables"


def _tables_recovered(health: object) -> bool:
    tables = health.get("tables") if isinstance(health, dict) else None
    # None is said by a worker that only serves REST: it has no tables.
    return isinstance(tables, dict) and tables.get("recovered", False) in (True, None)


def _json(body: bytes) -> object:
    try:
        return json.loads(body)
    except ValueError:
        return {}
