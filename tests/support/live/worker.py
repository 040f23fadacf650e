"""A real worker as a process, and calls to it."""

import http.client
import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from microblog_streams.config.addresses import join_host_port
from microblog_streams.config.settings import PREFIX
from tests.support.live.forked import ROOT, Forked
from tests.support.waiting import DEADLINE_SECONDS

#: Seconds within which everything must have happened, on a busy machine too.
DEADLINE = DEADLINE_SECONDS
#: A group that notices a death in 6 s, effects that are acknowledged at once, commits without delay; and stores that
#: are waited for on a busy machine.
QUICK = {
    "STORE_TIMEOUT": "8",
    "SESSION_TIMEOUT": "6",
    "HEARTBEAT_INTERVAL": "1",
    "COMMIT_INTERVAL": "0.2",
    "ACK_HOLD": "0.3",
}


@dataclass(frozen=True)
class Answer:
    """What a worker answered."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Worker:
    """One worker, and its process when it runs."""

    name: str
    port: int
    environment: Mapping[str, str]
    log: Path
    app: str = "tests.support.live.probe"
    host: str = "127.0.0.1"
    #: Forked from a process that has made the imports; else Python is started for it, as in a deployment.
    forked: bool = True
    #: Where Python is started: another release of the package that is here comes before ours.
    directory: Path = ROOT
    process: Forked | subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Where the worker serves REST."""
        return f"http://{join_host_port(self.host, self.port)}"

    def start(self, **settings: str) -> "Worker":
        """Start the process; settings by their names without prefix win over the worker's own."""
        own = {"WORKER": self.name, "WEB_HOST": self.host, "WEB_PORT": str(self.port), **QUICK, **settings}
        environment = {**self.environment, **{f"{PREFIX}{name}": value for name, value in own.items()}}
        arguments = ["-A", self.app, "worker"]
        if self.forked:
            self.process = Forked(arguments, environment, self.log)
        else:
            with self.log.open("ab") as log:
                command = [sys.executable, "-m", "faust", *arguments]
                self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.directory, env=environment)
        return self

    def stop(self) -> int:
        """Ask the process to end; return its exit status."""
        return self.signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the process as a power failure would."""
        self.signal(signal.SIGKILL)

    def signal(self, number: int) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> int:
        """Wait for the end of the process; return its exit status."""
        assert self.process is not None
        try:
            return self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            pytest.fail(f"{self.name} did not end\n{self.tail()}")

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        timeout: float = 20.0,
        key: str | None = None,
        token: str | None = None,
    ) -> Answer:
        """Call the worker over HTTP, with an Idempotency-Key or none; status 0 where it does not answer.

        The token is the admin's unless another is given; an empty one: none.
        """
        data = None if body is None else json.dumps(body).encode()
        token = self.environment[f"{PREFIX}ADMIN_TOKEN"] if token is None else token
        headers = {"Authorization": f"Bearer {token}" if token else "", "Idempotency-Key": key or ""}
        given = {"Content-Type": "application/json"} | {name: value for name, value in headers.items() if value}
        request = urllib.request.Request(self.url + path, data=data, headers=given, method=method)
        try:
            try:
                with urllib.request.urlopen(request, timeout=timeout) as response:
                    return Answer(response.status, _parsed(response.read()), response.headers)
            except urllib.error.HTTPError as exc:
                with exc:
                    return Answer(exc.code, _parsed(exc.read()), exc.headers)
        except (OSError, http.client.HTTPException):  # the latter: an answer that ends in its middle
            return Answer(0, None)

    def ready(self) -> bool:
        return self.call("GET", "/ready", timeout=2).status == 200

    def well(self) -> bool:
        """Return whether REST is served and the tables are recovered."""
        health = self.call("GET", "/health", timeout=2).body  # of another kind, or none, where it was not answered
        return self.ready() and isinstance(health, dict) and bool(health.get("tables", {}).get("recovered"))

    def has_relayed(self) -> bool:
        """Return whether no event is in the outbox, as far as the worker says so in time."""
        health = self.call("GET", "/health").body
        return isinstance(health, dict) and health.get("outbox", {}).get("depth") == 0

    def probe(self) -> dict[str, Any]:
        """Return what the probe sees inside."""
        body = self.call("GET", "/probe/").body
        assert isinstance(body, dict), self.tail()
        return body

    def logged(self, event: str = "") -> list[dict[str, Any]]:
        """Return the lines of the log, those of an event if one is given; a start under way may have cut the last."""
        lines = [line for line in self.log.read_text(errors="replace").splitlines() if line.startswith("{")]
        parsed = [json.loads(line) for line in lines if line.endswith("}")]
        return [line for line in parsed if event in ("", line["event"])]

    def tail(self, lines: int = 60) -> str:
        """Return the end of the log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return raw.decode(errors="replace")
