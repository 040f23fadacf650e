"""Workers that join while others work, and leave: asked to (SIGTERM), or as in a power failure (kill -9)."""

import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.support.live.worker import Worker
from tests.support.waiting import DEADLINE_SECONDS
from tests.support.workload.load import Load

#: Seconds within which a worker has joined, or so many calls were answered, on a busy machine too.
DEADLINE = DEADLINE_SECONDS


@dataclass
class Comings:
    """What one worker did, one join after the other."""

    worker: Worker
    load: Load
    eventually: Callable[..., None]
    #: Seconds from the start of the process until it has partitions and their tables.
    joins: list[float] = field(default_factory=list)

    def come_and_go(self, leaves: Sequence[signal.Signals], stay: int, **settings: str) -> None:
        """Join, stay for so many answered calls, and leave, once for each of the signals."""
        for leave in leaves:
            self._join(settings)
            self._rest(stay)
            self._leave(leave)
            self._rest(stay // 2)

    def _join(self, settings: dict[str, str]) -> None:
        begun = time.monotonic()
        self.worker.start(**settings)
        self.eventually(lambda: self.worker.well() and self.worker.probe()["partitions"], self.worker, seconds=DEADLINE)
        self.joins.append(time.monotonic() - begun)
        self.load.call(self.worker.url)

    def _leave(self, leave: signal.Signals) -> None:
        """A gateway sends nothing more to a worker that says that it stops; of a power failure it learns too late."""
        if leave is signal.SIGTERM:
            self.load.call_no_more(self.worker.url)
        status = self.worker.signal(leave)
        self.load.call_no_more(self.worker.url)
        assert status == (0 if leave is signal.SIGTERM else -leave), self.worker.tail()

    def _rest(self, calls: int) -> None:
        enough = self.load.answered + calls
        self.eventually(lambda: self.load.answered >= enough or not self.load.is_alive(), seconds=DEADLINE)
