"""Collects the status of all workers, partitions and stores for the page ``/admin/``.

The page is opened when something has failed. So each source is asked on its own and with a time limit, a source that
does not answer is listed in ``away`` with the reason, and the page is complete within about two seconds.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, TypeVar

from microblog_streams.aio.tasks import retrieve_exception
from microblog_streams.cluster_status.models import (
    OutboxLine,
    Page,
    PartitionLine,
    Report,
    TimelinesLine,
    WorkerLine,
)
from microblog_streams.domain.deployment import Deployment
from microblog_streams.domain.errors import MicroblogError
from microblog_streams.domain.topics import SOURCES, topic_name
from microblog_streams.kafka.consumer_lag import Lags
from microblog_streams.stores.redis.worker_registry import Worker

logger = logging.getLogger(__name__)

T = TypeVar("T")

#: Seconds that each source has. A worker's own report takes up to one if a store does not answer.
TIMEOUT_SECONDS: Final = 1.7
UNCOUNTED: Final = "not counted yet, or Kafka or PostgreSQL is away"


@dataclass(frozen=True, slots=True)
class Away:
    """A source that gave no answer, and the reason."""

    reason: str


async def with_timeout(ask: Callable[[], Coroutine[Any, Any, T]], seconds: float = TIMEOUT_SECONDS) -> T | Away:
    """Return the answer of ``ask``, or the reason why there is none. Raises nothing, and ends within ``seconds``.

    It runs in a task of its own, because a library that swallows a cancellation must not delay the caller. It is a
    function, not a coroutine: a task that is cancelled before its first step would never await that.
    """
    task = asyncio.ensure_future(ask())
    task.add_done_callback(retrieve_exception)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
        return task.result() if done else Away(f"no answer within {seconds:g} s")
    except MicroblogError as exc:
        return Away(str(exc))
    except Exception:
        logger.exception("overview_part_failed")
        return Away("asking for it failed: see this worker's log")
    finally:
        task.cancel()


@dataclass(frozen=True)
class StatusCollector:
    """The sources of the page, as one worker reaches them. Any of them may fail or hang."""

    itself: Callable[[], Worker]
    workers: Callable[[], Sequence[Worker]]
    report: Callable[[Worker], Coroutine[Any, Any, Report]]
    deployment: Callable[[], Deployment]
    lags: Callable[[Deployment], Coroutine[Any, Any, Lags]]
    outbox: Callable[[], Coroutine[Any, Any, OutboxLine]]
    timelines: Callable[[], Coroutine[Any, Any, TimelinesLine]]
    dead_letters: Callable[[], int | None]
    timeout_seconds: float = TIMEOUT_SECONDS

    async def page(self) -> Page:
        """Return the page, with what is known within the time limit."""
        workers, deployment = self._all_workers(), self.deployment()
        reports, lags, outbox, timelines = await asyncio.gather(
            self._reports(workers),
            self._ask(lambda: self.lags(deployment)),
            self._ask(self.outbox),
            self._ask(self.timelines),
        )
        letters = self.dead_letters()
        lines = tuple(worker_line(worker, reports[worker.name]) for worker in workers)
        return Page(
            at=datetime.now(UTC),
            worker=self.itself().name,
            phase=deployment.phase,
            workers=lines,
            partitions=partition_lines(deployment, workers, reports, _known(lags)),
            outbox=_known(outbox),
            dead_letters_open=letters,
            timelines=_known(timelines),
            problems=tuple(f"{line.name}: {problem}" for line in lines for problem in line.problems),
            away=_reasons(
                lag=lags,
                outbox=outbox,
                timelines=timelines,
                deadLetters=Away(UNCOUNTED) if letters is None else letters,
            ),
        )

    def _all_workers(self) -> Sequence[Worker]:
        """Return all workers by name, including this one if Redis did not return it."""
        itself = self.itself()
        others = [worker for worker in self.workers() if worker.name != itself.name]
        return sorted([itself, *others], key=lambda worker: worker.name)

    async def _reports(self, workers: Sequence[Worker]) -> Mapping[str, Report | Away]:
        answers = await asyncio.gather(*(self._ask(partial(self.report, worker)) for worker in workers))
        return {worker.name: answer for worker, answer in zip(workers, answers, strict=True)}

    async def _ask(self, ask: Callable[[], Coroutine[Any, Any, T]]) -> T | Away:
        return await with_timeout(ask, self.timeout_seconds)


def _known(answer: T | Away) -> T | None:
    return None if isinstance(answer, Away) else answer


def _reasons(**answers: object) -> dict[str, str]:
    return {name: answer.reason for name, answer in answers.items() if isinstance(answer, Away)}


def worker_line(worker: Worker, report: Report | Away) -> WorkerLine:
    """Return a worker's line: what it announced, and what it reported."""
    line = WorkerLine(
        name=worker.name,
        url=worker.url,
        roles=worker.roles,
        generation=worker.generation,
        since=worker.since,
        partitions=worker.partitions,
        state="away",
    )
    if isinstance(report, Away):
        return replace(line, problems=(report.reason,))
    return replace(
        line,
        state="degraded" if report.problems else "ok",
        problems=report.problems,
        warnings=report.warnings,
        unacked=report.unacked,
    )


def partition_lines(
    deployment: Deployment,
    workers: Sequence[Worker],
    reports: Mapping[str, Report | Away],
    lags: Lags | None,
) -> tuple[PartitionLine, ...]:
    """Return a line for every partition of every open topic set, including those without an owner."""
    return tuple(
        _partition_line(generation, partition, _owners(generation, partition, workers), reports, lags)
        for generation, partition in _partitions(deployment)
    )


def _partitions(deployment: Deployment) -> Iterator[tuple[int, int]]:
    for generation in deployment.open_generations:
        for partition in range(deployment.partitions_of(generation)):
            yield generation, partition


def _owners(generation: int, partition: int, workers: Sequence[Worker]) -> tuple[str, ...]:
    """Return the workers that announced the partition: none, or two, during a rebalance."""
    return tuple(w.name for w in workers if w.generation == generation and partition in w.partitions)


def _partition_line(
    generation: int,
    partition: int,
    owners: tuple[str, ...],
    reports: Mapping[str, Report | Away],
    lags: Lags | None,
) -> PartitionLine:
    known = [report for owner in owners if isinstance(report := reports[owner], Report)]
    size = next((size for report in known for size in report.sizes if size.partition == partition), None)
    return PartitionLine(
        generation=generation,
        partition=partition,
        owners=owners,
        rows=size.rows if size else None,
        bytes=size.bytes if size else None,
        lag={name: lags[topic_name(name, generation), partition] for name in SOURCES} if lags is not None else None,
    )
