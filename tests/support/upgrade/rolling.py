"""Workers that are replaced one after the other, and how long each partition had no delivery meanwhile."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from microblog_streams.domain import topics
from tests.support.live.worker import Worker
from tests.support.workload.load import Load

#: Calls that are answered after a worker was replaced, and before the next one is.
CALLS = 150


@dataclass(frozen=True)
class Window:
    """A part of the load: what was done in it, and its times in seconds since 1970."""

    name: str
    begun: float
    ended: float
    #: Seconds until the old process was gone, until the new one served, and until it had its partitions' tables.
    stopped: float = 0.0
    serving: float = 0.0
    recovered: float = 0.0
    #: The partitions that the worker had before.
    partitions: Sequence[int] = ()


@dataclass
class Rolling:
    """Replaces workers under a load."""

    load: Load
    eventually: Callable[..., None]
    settings: dict[str, str]

    def rest(self, workers: Sequence[Worker]) -> Window:
        """Let the load go on for a while."""
        begun = time.time()
        self._calls(*workers)
        return Window("nothing", begun, time.time())

    def replace(self, worker: Worker, release: Path, name: str) -> Window:
        """Stop a worker and start it as another release, with the same name, port and folder."""
        partitions, begun = _owned(worker), time.time()
        status = worker.stop()
        stopped = time.time()
        assert status == 0, worker.tail()
        worker.directory = release
        worker.start(**self.settings)
        self.eventually(worker.ready, worker)
        serving = time.time()
        self.eventually(worker.well, worker)
        recovered = time.time()
        self._calls(worker)
        return Window(name, begun, time.time(), stopped - begun, serving - begun, recovered - begun, partitions)

    def _calls(self, *shown: Worker) -> None:
        enough = self.load.answered + CALLS
        self.eventually(lambda: self.load.answered >= enough or not self.load.is_alive(), *shown)


def _owned(worker: Worker) -> Sequence[int]:
    status = worker.call("GET", "/admin/status.json").body
    return next(one["partitions"] for one in status["workers"] if one["name"] == worker.name)


@dataclass(frozen=True)
class Deliveries:
    """When posts of each partition were delivered, in seconds since 1970, by the logs of all workers."""

    times: dict[int, list[float]]

    @classmethod
    def read(cls, workers: Sequence[Worker]) -> "Deliveries":
        """Read the logs, which have the level DEBUG."""
        lines = [line for worker in workers for line in worker.logged("event_applied")]
        times: dict[int, list[float]] = {}
        for line in lines:
            if line["topic"].startswith(topics.POST_CREATED):
                at = datetime.fromisoformat(line["timestamp"]).timestamp()
                times.setdefault(line["partition"], []).append(at)
        return cls({partition: sorted(found) for partition, found in sorted(times.items())})

    def pauses(self, window: Window) -> dict[int, float]:
        """Return the longest time between two deliveries of each partition that reaches into the window, in seconds."""
        return {
            partition: max(
                (
                    later - earlier
                    for earlier, later in pairwise(times)
                    if earlier < window.ended and later > window.begun
                ),
                default=window.ended - window.begun,
            )
            for partition, times in self.times.items()
        }


def table(windows: Sequence[Window], deliveries: Deliveries) -> str:
    """Return the figures of all windows as a Markdown table; an asterisk marks the partitions of the worker."""
    head = [
        "replaced",
        "gone after",
        "serves after",
        "has tables after",
        *(f"p{partition}" for partition in deliveries.times),
    ]
    rows = [head, ["---"] * len(head)]
    for window in windows:
        pauses = deliveries.pauses(window).items()
        figures = [f"{pause:.1f}{'*' if partition in window.partitions else ''}" for partition, pause in pauses]
        times = (window.stopped, window.serving, window.recovered)
        rows.append([window.name, *(f"{seconds:.1f}" for seconds in times), *figures])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
