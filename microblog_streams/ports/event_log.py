"""Events on their way: the outbox where they wait, and the log that acknowledges them.

What entitles a worker to act on an event: that the event's partition is still its own.

``delivery`` hands a lease to every effect. An effect checks it right before each thing that does harm when it is
done for what is another worker's by now, and gives the deadline to stores that can hold back a write by it.
"""

from collections.abc import Mapping
from typing import Protocol


class Outbox(Protocol):
    """Events that were committed with their change and wait to be published: how many, and how far they go."""

    async def count(self, limit: int = 100_000) -> int:
        """Return how many records wait, counted up to ``limit``."""
        ...

    async def newest(self) -> int:
        """Return the id of the newest record that waits, 0 where none does."""
        ...

    async def oldest(self) -> int | None:
        """Return the id of the oldest record that waits, None where none does."""
        ...


class EventLog(Protocol):
    """The log that acknowledges: a publish returns when the broker has confirmed it to all its replicas."""

    async def publish(
        self,
        topic: str,
        key: bytes,
        value: bytes,
        headers: Mapping[str, str] | None = None,
        generation: int | None = None,
    ) -> None:
        """Publish on a logical topic, of a generation; without one, of that which takes posts at the moment.

        BrokerUnavailable: nothing was sent. OutcomeUnknown: no confirmation in time.
        """
        ...


class Lease(Protocol):
    """The hold on one partition, for one event."""

    @property
    def partition(self) -> int:
        """The partition's number, the same for all topics and tables."""
        ...

    @property
    def deadline(self) -> float:
        """The ``time.monotonic`` time until which the hold is certain without another heartbeat."""
        ...

    def check(self) -> None:
        """Raise NotMine where the partition was revoked, or may have been."""
        ...
