"""Events between their commit and their acknowledgement: outbox, log, and the lease of an event's partition."""

from collections.abc import Mapping
from typing import Protocol


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
