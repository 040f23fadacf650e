"""Dead letters: the topic that keeps them, which of them are resolved, and the topics that their records came from."""

from collections.abc import AsyncIterator, Mapping, Set
from datetime import datetime
from typing import Literal, Protocol

from microblog_streams.domain.dead_letters import DeadLetter, Headers

#: How an operator resolved a letter.
Resolution = Literal["replayed", "discarded"]
#: The first offset and the one after the last, by partition.
Bounds = Mapping[int, tuple[int, int]]


class DeadLetterReader(Protocol):
    """The topic ``dead.letters``. Its offsets have no gaps: it is neither compacted nor transactional."""

    async def bounds(self) -> Bounds:
        """Return the offsets that each partition has at this moment."""
        ...

    def letters(self, partition: int, first: int, beyond: int) -> AsyncIterator[DeadLetter]:
        """Read a partition's letters from ``first`` up to ``beyond``, exclusive. Not for concurrent use."""
        ...


class ResolvedLetters(Protocol):
    """The letters that were replayed or discarded, in PostgreSQL. All other letters are open."""

    async def resolve(self, partition: int, offset: int, resolution: Resolution) -> None:
        """Record how a letter was resolved; a second resolution replaces the first."""
        ...

    async def find(self, partition: int, offset: int) -> tuple[Resolution, datetime] | None:
        """Return how and when a letter was resolved; None if it is open."""
        ...

    async def offsets(self, partition: int, first: int, beyond: int) -> Set[int]:
        """Return the resolved offsets of a partition, from ``first`` up to ``beyond``, exclusive."""
        ...

    async def count(self, bounds: Bounds) -> int:
        """Return how many letters within the bounds are resolved."""
        ...

    async def forget(self, bounds: Bounds) -> None:
        """Delete the rows of letters outside the bounds, which have expired."""
        ...


class SourceTopics(Protocol):
    """The topics that agents read."""

    async def publish(self, topic: str, key: bytes, value: bytes, headers: Headers) -> None:
        """Publish a record on a topic, by its name in Kafka; return when the brokers have confirmed it.

        Raises Conflict if the topic does not take the record.
        """
        ...
