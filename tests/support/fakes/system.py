"""A system for the overview: two workers, and four partitions of which the last has no owner."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from microblog_streams.cluster_status.collector import StatusCollector
from microblog_streams.cluster_status.models import OutboxLine, Report, Size, TimelinesLine
from microblog_streams.domain.deployment import Deployment
from microblog_streams.domain.topics import SOURCES
from microblog_streams.stores.redis.worker_registry import Worker

STARTED = datetime.now(UTC) - timedelta(hours=3, minutes=4, seconds=30)
ONE = Worker("w1", "http://127.0.0.1:6066", "both", (0, 1), 1, STARTED)
TWO = Worker("w2", "http://127.0.0.1:6067", "both", (2,), 1)
REPORTS = {
    "w1": Report("w1", (), (), 5, (Size(0, 1200, 3 * 1024**2), Size(1, 0, 100))),
    "w2": Report("w2", ("redis: away",), ("dead letters: 2 open",), 0, (Size(2, 7, 2048),)),
}


class System:
    """What there is to be seen. A part that is an error is away, and one that is ``...`` is silent."""

    def __init__(self) -> None:
        self.workers = [ONE, TWO]
        self.reports: dict[str, Any] = dict(REPORTS)
        self.deployment = Deployment(1, 4)
        self.lags: Any = {(topic, partition): partition for topic in SOURCES for partition in range(4)}
        self.outbox: Any = OutboxLine(3, 65.0)
        self.timelines: Any = TimelinesLine(12_345, False, 400)
        self.letters: int | None = 0

    def everywhere(self) -> StatusCollector:
        return StatusCollector(
            itself=lambda: ONE,
            workers=lambda: self.workers,
            report=lambda worker: told(self.reports[worker.name]),
            deployment=lambda: self.deployment,
            lags=lambda deployment: told(self.lags),
            outbox=lambda: told(self.outbox),
            timelines=lambda: told(self.timelines),
            dead_letters=lambda: self.letters,
            timeout_seconds=0.3,
        )


async def told(part: Any) -> Any:
    if part is Ellipsis:
        await asyncio.Event().wait()
    if isinstance(part, Exception):
        raise part
    return part
