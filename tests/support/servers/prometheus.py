"""A real Prometheus that scrapes workers of a test, with the rules that are shipped."""

import json
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.support.live.ports import free_port

RULES = Path(__file__).parents[3] / "deploy" / "monitoring" / "rules"
PROGRAM = shutil.which("prometheus")
MISSING = "Prometheus is missing: apt-get install prometheus"
#: Seconds between two scrapes, and between two evaluations of the rules. A scrape may take as long: a worker whose
#: stores are away answers after a second or two.
INTERVAL_SECONDS = 1
PATIENT_INTERVAL_SECONDS = 3
#: Scrapes that a shortened window has at least.
SCRAPES = 5
START_SECONDS = 60.0

_DURATION = re.compile(r"(?<=\[)(\d+)([smhd])(?=\])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True)
class Prometheus:
    """A server that answers."""

    url: str

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the instant vector (or scalar, as one sample) that an expression has now; an error fails the test."""
        data = self._get("query", query=expression)
        if data["resultType"] == "scalar":
            return [{"metric": {}, "value": data["result"]}]
        return data["result"]

    def query_range(self, expression: str, start: float, end: float, step: float) -> list[dict[str, Any]]:
        """Return the series of an expression between two times (seconds since 1970), a value each ``step`` seconds."""
        return self._get("query_range", query=expression, start=start, end=end, step=step)["result"]

    def exemplars(self, expression: str, start: float) -> list[dict[str, Any]]:
        """Return the exemplars since a time (seconds since 1970) of the series that an expression reads."""
        found = self._get("query_exemplars", query=expression, start=start, end=time.time())
        return [exemplar for series in found for exemplar in series["exemplars"]]

    def firing(self) -> set[str]:
        """Return the names of the alerts that fire."""
        return {alert["labels"]["alertname"] for alert in self._get("alerts")["alerts"] if alert["state"] == "firing"}

    def failed_rules(self) -> dict[str, str]:
        """Return the last error of each rule whose evaluation failed, by its name."""
        rules = [rule for group in self._get("rules")["groups"] for rule in group["rules"]]
        return {rule["name"]: rule.get("lastError", "") for rule in rules if rule["health"] == "err"}

    def _get(self, path: str, **parameters: Any) -> Any:
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as exc:
            with exc:
                raise AssertionError(f"{parameters}: {exc.read().decode()}") from None


@contextmanager
def scraping(
    folder: Path, targets: Sequence[str], rules: Path = RULES, seconds: int = INTERVAL_SECONDS
) -> Iterator[Prometheus]:
    """Start a server on ``targets`` (``host:port``) and the rules of a folder, for as long as the block lasts.

    It scrapes them every few ``seconds``.
    """
    assert PROGRAM is not None, MISSING
    folder.mkdir(parents=True, exist_ok=True)
    config, port = folder / "prometheus.yml", free_port()
    config.write_text(json.dumps(_configuration(targets, rules, seconds)))  # JSON is YAML
    options = [f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}", "--enable-feature=exemplar-storage"]
    command = [PROGRAM, *options, f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield _answering(f"http://127.0.0.1:{port}", process, folder / "prometheus.log")
    finally:
        process.terminate()
        process.wait()


def _configuration(targets: Sequence[str], rules: Path, seconds: int) -> Mapping[str, Any]:
    every = f"{seconds}s"
    job = {"job_name": "microblog", "static_configs": [{"targets": [*targets]}]}
    return {
        "global": {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every},
        "rule_files": [f"{rules.resolve()}/*.yml"],
        "scrape_configs": [job],
    }


def _answering(url: str, process: subprocess.Popen[bytes], log: Path) -> Prometheus:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"{url}/-/ready", timeout=2):
                return Prometheus(url)
        except OSError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)


def hasty(rules: Path, folder: Path, factor: int) -> Path:
    """Write the rules of a folder with waits (``for``) and windows ``factor`` times shorter; return the new folder.

    Thresholds stay; no window has less than SCRAPES patient scrapes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    yaml = YAML(typ="safe")
    for file in sorted(rules.glob("*.yml")):
        content = yaml.load(file.read_text())
        for rule in (rule for group in content["groups"] for rule in group["rules"]):
            if wait := rule.get("for"):
                rule["for"] = f"{max(1, _seconds(wait) // factor)}s"
            rule["expr"] = _DURATION.sub(lambda found: f"{_shorter(found[0], factor)}s", rule["expr"])
        (folder / file.name).write_text(json.dumps(content))
    return folder


def _shorter(window: str, factor: int) -> int:
    return max(SCRAPES * PATIENT_INTERVAL_SECONDS, _seconds(window) // factor)


def _seconds(duration: str) -> int:
    return int(duration[:-1]) * _SECONDS[duration[-1]]
