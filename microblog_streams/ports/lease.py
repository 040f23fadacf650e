"""What entitles a worker to act on an event: that the event's partition is still its own.

``delivery`` hands a lease to every effect. An effect checks it right before each thing that does harm when it is
done for what is another worker's by now, and gives the deadline to stores that can hold back a write by it.
"""

from typing import Protocol


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
