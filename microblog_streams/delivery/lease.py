"""The lease: how a worker knows that a partition is still assigned to it.

Kafka reassigns a worker's partitions when its heartbeats are missing for a session time-out. A process that was frozen
(SIGSTOP, a paused machine) does not notice: its generation id still looks right until the next heartbeat is answered.
So every write that could do harm checks the time of the last answered heartbeat first. ``time.monotonic`` runs on while
a process is stopped.
"""

from dataclasses import dataclass, field
from math import inf
from time import monotonic
from typing import Protocol

from faust.types.tuples import Message

from microblog_streams.config.settings import LEASE_MARGIN_SECONDS
from microblog_streams.domain.errors import NotMine


@dataclass
class Heartbeat:
    """The last heartbeat that Kafka answered without an error."""

    #: Kafka's session time-out in seconds.
    session: float
    #: When that heartbeat was sent (``monotonic``).
    answered_at: float = field(default_factory=monotonic)
    #: Set before the worker leaves the group: Kafka then reassigns its partitions at once.
    leaving: bool = False

    @property
    def deadline(self) -> float:
        """The time (``monotonic``) until which Kafka cannot have reassigned this worker's partitions."""
        return -inf if self.leaving else self.answered_at + self.session - LEASE_MARGIN_SECONDS

    @property
    def is_certain(self) -> bool:
        """Whether that time has not come yet."""
        return monotonic() <= self.deadline


class Membership(Protocol):
    """What a lease needs of the consumer group; ``faust.App`` has it."""

    rebalancing: bool
    consumer_generation_id: int


@dataclass(frozen=True, slots=True)
class PartitionLease:
    """The lease on the partition of one event, for the group generation in which the event was read."""

    membership: Membership
    heartbeat: Heartbeat
    message: Message

    @property
    def partition(self) -> int:
        """The partition's number."""
        return int(self.message.partition)

    @property
    def deadline(self) -> float:
        """The time (``monotonic``) until which the partition is certainly assigned to this worker."""
        return self.heartbeat.deadline

    @property
    def stale(self) -> bool:
        """Whether the event was read in an earlier generation; it will be read again."""
        return self.message.generation_id != self.membership.consumer_generation_id

    def check(self) -> None:
        """Raise NotMine where the partition was revoked, or may have been."""
        if self.stale or self.membership.rebalancing:
            raise NotMine("the group is, or was, rebalanced")
        if monotonic() > self.deadline:
            raise NotMine("no heartbeat was answered in time")
