"""Events on their way: the outbox where they wait, and the log that acknowledges them."""

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
