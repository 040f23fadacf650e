"""Workers that are replaced one after the other, and how long posts of each partition waited meanwhile."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from microblog_streams.domain.ids import post_millis
from tests.support.live.worker import Worker
from tests.support.workload.load import Load

#: Calls that are answered after a worker was replaced, and before the next one is.
CALLS = 150
#: What a worker logs when the last timeline has a post.
DELIVERED = "timelines_pushed"


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
    """When posts were accepted and delivered, in seconds since 1970, by partition."""

    times: dict[int, list[tuple[float, float]]]

    @classmethod
    def read(cls, workers: Sequence[Worker]) -> "Deliveries":
        """Read the logs, which have the level DEBUG. Of a post that was delivered twice, the first time counts."""
        first: dict[tuple[int, str], float] = {}
        for line in (line for worker in workers for line in worker.logged(DELIVERED)):
            post, at = (line["partition"], line["event_id"]), datetime.fromisoformat(line["timestamp"]).timestamp()
            first[post] = min(at, first.get(post, at))
        times: dict[int, list[tuple[float, float]]] = {}
        for (partition, post_id), at in sorted(first.items()):
            times.setdefault(partition, []).append((post_millis(UUID(post_id)) / 1000, at))
        return cls(times)

    def waits(self, window: Window) -> dict[int, float]:
        """Return for each partition the longest wait of a post that was accepted within the window, in seconds."""
        return {
            partition: max(
                (delivered - accepted for accepted, delivered in times if window.begun <= accepted < window.ended),
                default=0.0,
            )
            for partition, times in self.times.items()
        }


def table(windows: Sequence[Window], deliveries: Deliveries) -> str:
    """Return the figures of all windows as a Markdown table; an asterisk marks the partitions of the worker."""
    rows = [[*("replaced", "gone", "serves", "has tables"), *(f"p{partition}" for partition in deliveries.times)]]
    rows.append(["---", *["---:"] * (len(rows[0]) - 1)])
    for window in windows:
        waits = deliveries.waits(window).items()
        figures = [f"{wait:.1f}{'*' if partition in window.partitions else ''}" for partition, wait in waits]
        times = (window.stopped, window.serving, window.recovered)
        rows.append([window.name, *(f"{seconds:.1f}" for seconds in times), *figures])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
