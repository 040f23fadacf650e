"""Asks every worker and every part at once, and puts what is known together."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from microblog_streams.cluster_status.lines import partition_lines, worker_line
from microblog_streams.cluster_status.models import OutboxLine, Page, Report, TimelinesLine
from microblog_streams.cluster_status.with_timeout import PATIENCE, Away, known
from microblog_streams.domain.deployment import Deployment
from microblog_streams.kafka.consumer_lag import Lags
from microblog_streams.stores.redis.worker_registry import Worker

T = TypeVar("T")

UNCOUNTED: Final = "not counted yet, or Kafka or PostgreSQL is away"


@dataclass(frozen=True)
class StatusCollector:
    """The whole system as one worker sees it. Each field asks one part; none of them may be relied on to answer."""

    itself: Callable[[], Worker]
    workers: Callable[[], Sequence[Worker]]
    report: Callable[[Worker], Coroutine[Any, Any, Report]]
    deployment: Callable[[], Deployment]
    lags: Callable[[Deployment], Coroutine[Any, Any, Lags]]
    outbox: Callable[[], Coroutine[Any, Any, OutboxLine]]
    timelines: Callable[[], Coroutine[Any, Any, TimelinesLine]]
    dead_letters: Callable[[], int | None]
    patience: float = PATIENCE

    async def page(self) -> Page:
        """Return all that is known now."""
        workers, deployment = self._everyone(), self.deployment()
        reports, lags, outbox, timelines = await asyncio.gather(
            self._reports(workers),
            self._known(self.lags(deployment)),
            self._known(self.outbox()),
            self._known(self.timelines()),
        )
        letters = self.dead_letters()
        parts = {
            "lag": lags,
            "outbox": outbox,
            "timelines": timelines,
            "deadLetters": Away(UNCOUNTED) if letters is None else letters,
        }
        lines = tuple(worker_line(worker, reports[worker.name]) for worker in workers)
        return Page(
            at=datetime.now(UTC),
            worker=self.itself().name,
            phase=deployment.phase,
            workers=lines,
            partitions=partition_lines(deployment, workers, reports, _told(lags)),
            outbox=_told(outbox),
            dead_letters_open=letters,
            timelines=_told(timelines),
            problems=tuple(f"{line.name}: {problem}" for line in lines for problem in line.problems),
            away={name: part.reason for name, part in parts.items() if isinstance(part, Away)},
        )

    def _everyone(self) -> Sequence[Worker]:
        """Return all workers by name; this one also while Redis has not told of it."""
        itself = self.itself()
        others = [worker for worker in self.workers() if worker.name != itself.name]
        return sorted([itself, *others], key=lambda worker: worker.name)

    async def _reports(self, workers: Sequence[Worker]) -> Mapping[str, Report | Away]:
        answers = await asyncio.gather(*(self._known(self.report(worker)) for worker in workers))
        return {worker.name: answer for worker, answer in zip(workers, answers, strict=True)}

    async def _known(self, question: Coroutine[Any, Any, T]) -> T | Away:
        return await known(question, self.patience)


def _told(part: T | Away) -> T | None:
    return None if isinstance(part, Away) else part
