"""Dead letters: where they lie, which of them are settled, and where the records among them came from."""

from collections.abc import AsyncIterator, Mapping, Set
from datetime import datetime
from typing import Literal, Protocol

from microblog_streams.dead_letters.record import DeadLetter, Headers

#: What somebody did with a letter.
Action = Literal["replayed", "discarded"]
#: The first offset and the one after the last, by partition.
Bounds = Mapping[int, tuple[int, int]]


class DeadLetterReader(Protocol):
    """The topic dead.letters. Its offsets have no holes: it is neither compacted nor transactional."""

    async def bounds(self) -> Bounds:
        """Return which letters there are."""
        ...

    def letters(self, partition: int, first: int, beyond: int) -> AsyncIterator[DeadLetter]:
        """Read a partition's letters from ``first`` up to ``beyond``, exclusive. One reading at a time."""
        ...


class SettledLetters(Protocol):
    """The letters that somebody has dealt with, in PostgreSQL."""

    async def settle(self, partition: int, offset: int, action: Action) -> None:
        """Write down what was done with a letter; the last word counts."""
        ...

    async def find(self, partition: int, offset: int) -> tuple[Action, datetime] | None:
        """Return what was done with a letter, and when; None where it is open."""
        ...

    async def offsets(self, partition: int, first: int, beyond: int) -> Set[int]:
        """Return which of a partition's offsets from ``first`` up to ``beyond``, exclusive, are settled."""
        ...

    async def count(self, bounds: Bounds) -> int:
        """Return how many letters within the bounds are settled."""
        ...

    async def forget(self, bounds: Bounds) -> None:
        """Drop what was written down of letters outside the bounds: they have expired."""
        ...


class SourceLog(Protocol):
    """The topics that events are consumed from."""

    async def publish(self, topic: str, key: bytes, value: bytes, headers: Headers) -> None:
        """Publish a record on a topic, by its name in Kafka; return once the broker has confirmed it.

        Raises Conflict where the topic does not take it.
        """
        ...
