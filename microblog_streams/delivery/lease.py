"""The lease: what tells a worker that a partition is still its own.

Kafka gives a worker's partitions away when its heartbeats stay out for a session time-out. A process that was frozen
(SIGSTOP, a paused machine) wakes up knowing nothing of that: its generation id still looks right until the next
heartbeat is answered. So every harmful step looks at the time of the last heartbeat that was answered well.
``time.monotonic`` runs on while a process is stopped.
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
    """The last heartbeat that Kafka answered well, as the ``monotonic`` time before it was asked."""

    session: float
    answered_at: float = field(default_factory=monotonic)
    #: Set before the worker leaves the group by itself: its partitions go to others at once, heartbeat or not.
    leaving: bool = False

    @property
    def deadline(self) -> float:
        """The time until which Kafka cannot have given this worker's partitions away."""
        return -inf if self.leaving else self.answered_at + self.session - LEASE_MARGIN_SECONDS


class Membership(Protocol):
    """What a lease asks of the consumer group: ``app`` is one."""

    rebalancing: bool
    consumer_generation_id: int


@dataclass(frozen=True, slots=True)
class PartitionLease:
    """The hold on the partition of one event, in the generation of the group in which the event was read."""

    membership: Membership
    heartbeat: Heartbeat
    message: Message

    @property
    def partition(self) -> int:
        """The partition's number."""
        return int(self.message.partition)

    @property
    def deadline(self) -> float:
        """The time until which the hold is certain."""
        return self.heartbeat.deadline

    @property
    def stale(self) -> bool:
        """Whether the event was read in an earlier generation: then it will be read again."""
        return self.message.generation_id != self.membership.consumer_generation_id

    def check(self) -> None:
        """Raise NotMine where the partition was revoked, or may have been."""
        if self.stale or self.membership.rebalancing:
            raise NotMine("the group is, or was, rebalanced")
        if monotonic() > self.deadline:
            raise NotMine("no heartbeat was answered in time")
