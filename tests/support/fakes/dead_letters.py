"""Dead letters in memory: the topic, what is resolved, and the topics that records came from."""

from collections import defaultdict
from collections.abc import AsyncIterator, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from microblog_streams.domain.dead_letters import DeadLetter, Headers
from microblog_streams.domain.errors import Conflict, StoreUnavailable
from microblog_streams.domain.topics import POST_CREATED
from microblog_streams.ports import Bounds, Resolution
from tests.support.fakes.database import FakeDatabase

BEGIN = datetime(2026, 5, 17, tzinfo=UTC)


@dataclass
class FakeDeadLetterReader:
    """A topic with ``partitions``; ``firsts`` are the offsets below which letters have expired."""

    partitions: int = 2
    stored: dict[int, list[DeadLetter]] = field(default_factory=lambda: defaultdict(list))
    firsts: dict[int, int] = field(default_factory=dict)
    away: bool = False
    #: The places that were read.
    read: list[str] = field(default_factory=list)

    def add(
        self, value: bytes, partition: int = 0, source: str = POST_CREATED, headers: Headers = (("schema", b"1"),)
    ) -> DeadLetter:
        """Add a letter that is a second younger than the one before it."""
        count = sum(map(len, self.stored.values()))
        offset, at = len(self.stored[partition]), BEGIN + timedelta(seconds=count)
        letter = DeadLetter(
            partition,
            offset,
            at,
            source,
            "3",
            str(count),
            "UndecodableEvent: bad",
            at.isoformat(),
            b"\0" * 7 + b"\7",
            value,
            headers,
        )
        self.stored[partition].append(letter)
        return letter

    async def bounds(self) -> Bounds:
        if self.away:
            raise StoreUnavailable("kafka", "away")
        return {number: (self.firsts.get(number, 0), len(self.stored[number])) for number in range(self.partitions)}

    async def letters(self, partition: int, first: int, beyond: int) -> AsyncIterator[DeadLetter]:
        for letter in self.stored[partition][max(first, self.firsts.get(partition, 0)) : beyond]:
            self.read.append(letter.id)
            yield letter


class FakeResolvedLetters:
    """The ``ResolvedLetters`` of a fake database; its clock is the real one."""

    def __init__(self, database: FakeDatabase) -> None:
        self.database = database
        self.rows: dict[tuple[int, int], tuple[Resolution, datetime]] = {}

    async def resolve(self, partition: int, offset: int, resolution: Resolution) -> None:
        self.database.check()
        self.rows[partition, offset] = (resolution, datetime.now(UTC))

    async def find(self, partition: int, offset: int) -> tuple[Resolution, datetime] | None:
        self.database.check()
        return self.rows.get((partition, offset))

    async def offsets(self, partition: int, first: int, beyond: int) -> Set[int]:
        self.database.check()
        return {offset for number, offset in self.rows if number == partition and first <= offset < beyond}

    async def count(self, bounds: Bounds) -> int:
        return sum([len(await self.offsets(partition, *bound)) for partition, bound in bounds.items()])

    async def forget(self, bounds: Bounds) -> None:
        self.database.check()
        young = datetime.now(UTC) - timedelta(minutes=10)
        self.rows = {
            (partition, offset): row
            for (partition, offset), row in self.rows.items()
            if row[1] >= young or partition not in bounds or bounds[partition][0] <= offset < bounds[partition][1]
        }

    async def forget_all(self) -> None:
        self.database.check()
        self.rows.clear()

    def age(self) -> None:
        """Let all that is resolved be resolved an hour ago."""
        self.rows = {place: (resolution, at - timedelta(hours=1)) for place, (resolution, at) in self.rows.items()}


@dataclass
class FakeSourceTopics:
    """Topics that take everything but what is published on a ``closed`` one."""

    records: list[tuple[str, bytes, bytes, Headers]] = field(default_factory=list)
    closed: set[str] = field(default_factory=set)
    away: bool = False

    async def publish(self, topic: str, key: bytes, value: bytes, headers: Headers) -> None:
        if self.away:
            raise StoreUnavailable("kafka", "away")
        if topic in self.closed:
            raise Conflict(f"{topic} is closed")
        self.records.append((topic, key, value, headers))
