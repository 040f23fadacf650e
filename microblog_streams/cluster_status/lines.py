"""The lines of the overview, made of what is known: pure functions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from microblog_streams.cluster_status.models import PartitionLine, Report, WorkerLine
from microblog_streams.cluster_status.with_timeout import Away
from microblog_streams.domain.deployment import Deployment
from microblog_streams.domain.topics import SOURCES, topic_name
from microblog_streams.kafka.consumer_lag import Lags
from microblog_streams.stores.redis.worker_registry import Worker


def worker_line(worker: Worker, told: Report | Away) -> WorkerLine:
    """Return a worker's line: what it announced, and what it told of itself."""
    reason = (told.reason,) if isinstance(told, Away) else ()
    announced = WorkerLine(
        name=worker.name,
        url=worker.url,
        roles=worker.roles,
        generation=worker.generation,
        since=worker.since,
        partitions=worker.partitions,
        state="away",
        problems=reason,
    )
    return announced if isinstance(told, Away) else _told(announced, told)


def _told(announced: WorkerLine, report: Report) -> WorkerLine:
    return replace(
        announced,
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
    """Return a line for every partition of every open generation, also for one that nobody has."""
    return tuple(
        _partition_line(generation, partition, _owners(generation, partition, workers), reports, lags)
        for generation, partition in _places(deployment)
    )


def _places(deployment: Deployment) -> Iterator[tuple[int, int]]:
    for generation in deployment.open_generations:
        for partition in range(deployment.partitions_of(generation)):
            yield generation, partition


def _owners(generation: int, partition: int, workers: Sequence[Worker]) -> tuple[str, ...]:
    """Return who says that it has the partition: nobody, or two, around a rebalance."""
    return tuple(w.name for w in workers if w.generation == generation and partition in w.partitions)


def _partition_line(
    generation: int,
    partition: int,
    owners: tuple[str, ...],
    reports: Mapping[str, Report | Away],
    lags: Lags | None,
) -> PartitionLine:
    told = [report for owner in owners if isinstance(report := reports[owner], Report)]
    size = next((size for report in told for size in report.sizes if size.partition == partition), None)
    return PartitionLine(
        generation=generation,
        partition=partition,
        owners=owners,
        rows=size.rows if size else None,
        bytes=size.bytes if size else None,
        lag={name: lags[topic_name(name, generation), partition] for name in SOURCES} if lags is not None else None,
    )
