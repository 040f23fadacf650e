"""Events on their way: the outbox, the log, the lease of an event's partition, and dead letters.

A dead letter is a record that could not be decoded. A topic keeps it; which letters are resolved is in PostgreSQL.
"""

from collections.abc import AsyncIterator, Mapping, Set
from datetime import datetime
from typing import Literal, Protocol

from microblog_streams.domain.dead_letters import DeadLetter, Headers


class Outbox(Protocol):
    """Events that were committed together with their change and are not published yet."""

    async def count(self, limit: int = 100_000) -> int:
        """Return the number of records, counted up to ``limit``."""
        ...

    async def newest(self) -> int:
        """Return the highest record id, 0 if the outbox is empty."""
        ...

    async def oldest(self) -> int | None:
        """Return the lowest record id, None if the outbox is empty."""
        ...


class EventLog(Protocol):
    """Publishes events. A publish returns after all in-sync replicas have the record."""

    async def publish(
        self,
        topic: str,
        key: bytes,
        value: bytes,
        headers: Mapping[str, str] | None = None,
        generation: int | None = None,
    ) -> None:
        """Publish on a logical topic of a topic set (``generation``; default: the one that takes posts now).

        Raises BrokerUnavailable if nothing was sent, OutcomeUnknown if no confirmation came in time.
        """
        ...


class Lease(Protocol):
    """Proof that this worker still has an event's partition.

    ``delivery`` passes a lease to every effect. The effect checks it right before each step that would do harm if
    another worker had taken over, and passes the deadline to stores that can refuse a late write.
    """

    @property
    def partition(self) -> int:
        """The partition's number, the same for all topics and tables."""
        ...

    @property
    def deadline(self) -> float:
        """The ``time.monotonic`` time until which the lease holds without another heartbeat."""
        ...

    def check(self) -> None:
        """Raise NotMine if the partition was revoked, or may have been."""
        ...


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

    async def forget_all(self) -> None:
        """Delete all rows: the letters that they are about went with their topic."""
        ...


class SourceTopics(Protocol):
    """The topics that agents read."""

    async def publish(self, topic: str, key: bytes, value: bytes, headers: Headers) -> None:
        """Publish a record on a topic, by its name in Kafka; return when the brokers have confirmed it.

        Raises Conflict if the topic does not take the record.
        """
        ...
