"""The JSON of the status page: the report of one worker, and the page made from all reports and stores."""

from datetime import datetime

from pydantic import ConfigDict
from pydantic.alias_generators import to_camel
from pydantic.dataclasses import dataclass

_json = ConfigDict(alias_generator=to_camel, populate_by_name=True, ser_json_timedelta="float")


@dataclass(config=_json, frozen=True)
class Size:
    """A partition of the follower table in a worker: rows as estimated by RocksDB, bytes on disk and in memory."""

    partition: int
    rows: int
    bytes: int


@dataclass(config=_json, frozen=True)
class Report:
    """A worker's report. ``unacked`` counts the events in flight, and those applied but not acknowledged yet."""

    worker: str
    problems: tuple[str, ...]
    warnings: tuple[str, ...]
    unacked: int
    sizes: tuple[Size, ...]


@dataclass(config=_json, frozen=True)
class WorkerLine:
    """A worker. ``state``: ``ok``, ``degraded`` (see ``problems``), or ``away`` (``problems`` has the reason)."""

    name: str
    url: str
    roles: str
    generation: int
    since: datetime | None
    partitions: tuple[int, ...]
    state: str
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    unacked: int | None = None


@dataclass(config=_json, frozen=True)
class PartitionLine:
    """A partition: its owners, the size of its part of the follower table, its lag by topic. None is unknown."""

    generation: int
    partition: int
    owners: tuple[str, ...]
    rows: int | None
    bytes: int | None
    lag: dict[str, int] | None


@dataclass(config=_json, frozen=True)
class OutboxLine:
    """The number of events in the outbox, and the age of the oldest, None if it is empty."""

    depth: int
    oldest_seconds: float | None


@dataclass(config=_json, frozen=True)
class TimelinesLine:
    """The number of warm timelines: counted (``exact``), or estimated from ``looked_at`` keys of Redis."""

    warm: int
    exact: bool
    looked_at: int


@dataclass(config=_json, frozen=True)
class Page:
    """The whole page, made by ``worker``. ``away`` has the reason for each source that did not answer."""

    at: datetime
    worker: str
    phase: str
    workers: tuple[WorkerLine, ...]
    partitions: tuple[PartitionLine, ...]
    outbox: OutboxLine | None
    dead_letters_open: int | None
    timelines: TimelinesLine | None
    problems: tuple[str, ...]
    away: dict[str, str]
