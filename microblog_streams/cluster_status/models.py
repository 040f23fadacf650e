"""The shape of the overview: what a worker tells of itself, and what is made of all that they tell."""

from datetime import datetime

from pydantic import ConfigDict
from pydantic.alias_generators import to_camel
from pydantic.dataclasses import dataclass

_json = ConfigDict(alias_generator=to_camel, populate_by_name=True, ser_json_timedelta="float")


@dataclass(config=_json, frozen=True)
class Size:
    """One partition of the followers table in a worker: rows as RocksDB estimates them, bytes on disk and in memory."""

    partition: int
    rows: int
    bytes: int


@dataclass(config=_json, frozen=True)
class Report:
    """What a worker tells of itself. ``unacked`` are the events under way, or finished and not acknowledged."""

    worker: str
    problems: tuple[str, ...]
    warnings: tuple[str, ...]
    unacked: int
    sizes: tuple[Size, ...]


@dataclass(config=_json, frozen=True)
class WorkerLine:
    """One worker. ``state``: ``ok``, ``degraded`` (see ``problems``), or ``away`` (``problems`` says why)."""

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
    """One partition: whose it is, its part of the followers table, and its lag by topic; None: not known now."""

    generation: int
    partition: int
    owners: tuple[str, ...]
    rows: int | None
    bytes: int | None
    lag: dict[str, int] | None


@dataclass(config=_json, frozen=True)
class OutboxLine:
    """What waits in the outbox, and the age of its oldest in seconds, None where nothing waits."""

    depth: int
    oldest_seconds: float | None


@dataclass(config=_json, frozen=True)
class TimelinesLine:
    """How many timelines are warm: all of them counted (``exact``), or estimated from so many keys of Redis."""

    warm: int
    exact: bool
    looked_at: int


@dataclass(config=_json, frozen=True)
class Page:
    """All of it. ``away`` names each part that is not known now, with the reason; ``worker`` is who looked."""

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
