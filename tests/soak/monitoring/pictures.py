"""Draws the dashboards as they look under load, into docs/plots: ``python -m tests.soak.monitoring.pictures``.

Two workers on a stack of their own are called for some minutes by people who register, follow, post and read. After a
third of the time one worker is killed and started again, after two thirds Redis stands still for seconds. A real
Prometheus scrapes them, and what it answers is drawn as Grafana would.
"""

import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.live.people import People
from tests.support.live.processes import make_workers, migrate_stack, wait_until
from tests.support.live.stack import RunningStack, running_stack
from tests.support.live.worker import Worker
from tests.support.servers.prometheus import PATIENT_INTERVAL_SECONDS, RULES, Prometheus, scraping
from tools.dashboards.pictures import Line, picture

PLOTS = Path(__file__).parents[3] / "docs" / "plots"
DURATION_SECONDS = 240
#: Of Redis' standstill.
FROZEN_SECONDS = 10
CALLERS = 4
STEP_SECONDS = 3
VARIABLES = {"$worker": ".*", "$__rate_interval": "20s"}


class Callers:
    """Threads that do what people do, until told to stop; calls that fail are theirs to repeat."""

    def __init__(self, workers: Sequence[Worker]) -> None:
        self._workers, self._people, self._over = workers, People(), threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(CALLERS)]

    def __enter__(self) -> "Callers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _run(self, number: int) -> None:
        worker, known = self._workers[number % len(self._workers)], []
        while not self._over.is_set():
            try:
                self._round(worker, known)
            except AssertionError:  # a call failed, since a part is away
                self._over.wait(0.5)

    def _round(self, worker: Worker, known: list[int]) -> None:
        known.append(self._people.register(worker))
        for followee in known[-6:-1]:
            self._people.follow(worker, known[-1], followee)
        for author in known[-5:]:
            self._people.post(worker, author)
            self._people.timeline(worker, known[-1])
            worker.call("GET", "/nothing/here")


@contextmanager
def _fleet(stack: RunningStack) -> Iterator[list[Worker]]:
    making = make_workers(stack)
    make = next(making)
    try:
        workers = [make().start(RECONCILE_INTERVAL="1", STORE_TIMEOUT="2") for _ in range(2)]
        wait_until(lambda: all(worker.well() for worker in workers), *workers)
        yield workers
    finally:
        next(making, None)


def _play(stack: RunningStack, workers: Sequence[Worker]) -> None:
    """Let the callers go on for DURATION_SECONDS, with a killed worker and a frozen Redis among it."""
    third = DURATION_SECONDS / 3
    with Callers(workers):
        time.sleep(third)
        workers[1].kill()
        workers[1].start(RECONCILE_INTERVAL="1", STORE_TIMEOUT="2")
        time.sleep(third)
        stack.stack.pause("valkey")
        time.sleep(FROZEN_SECONDS)
        stack.stack.resume("valkey")
        time.sleep(third - FROZEN_SECONDS)


def _lines(prometheus: Prometheus, panel: Any, start: float, end: float) -> list[Line]:
    found = []
    for target in panel["targets"]:
        expression = target["expr"]
        for name, value in VARIABLES.items():
            expression = expression.replace(name, value)
        for series in prometheus.query_range(expression, start, end, STEP_SECONDS):
            points = [(float(at), float(value)) for at, value in series["values"] if value not in ("NaN", "+Inf")]
            found.append(Line(_name(target["legendFormat"], series["metric"]), points))
    lines = [line for line in found if line.points]
    # Numbers and tables show what is, not what was.
    last = max((line.points[-1][0] for line in lines), default=0)
    return lines if panel["type"] == "timeseries" else [line for line in lines if line.points[-1][0] == last]


def _name(legend: str, labels: dict[str, str]) -> str:
    for label, value in labels.items():
        legend = legend.replace(f"{{{{{label}}}}}", value)
    return legend or ", ".join(labels.values())


def draw(prometheus: Prometheus, start: float, end: float, say: Callable[[str], object] = print) -> None:
    """Write a picture of each dashboard between two times (seconds since 1970)."""
    for file in sorted((RULES.parent / "dashboards").glob("*.json")):
        made = json.loads(file.read_text())
        panels = [panel for panel in made["panels"] if panel["type"] != "row"]
        lines = {panel["id"]: _lines(prometheus, panel, start, end) for panel in panels}
        to = PLOTS / f"dashboard-{file.stem}.svg"
        to.write_text(picture(made, lines))
        say(f"{to.name}: {len(panels)} panels, {sum(map(len, lines.values()))} series")


def main() -> None:
    """Play, and draw."""
    with running_stack() as stack, tempfile.TemporaryDirectory(prefix="microblog-test-") as folder:
        migrate_stack(stack)
        with _fleet(stack) as workers:
            targets = [f"127.0.0.1:{worker.port}" for worker in workers]
            with scraping(Path(folder), targets, seconds=PATIENT_INTERVAL_SECONDS) as prometheus:
                start = time.time()
                _play(stack, workers)
                draw(prometheus, start, time.time())


if __name__ == "__main__":
    main()
