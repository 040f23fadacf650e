"""What all workers of a deployment must agree on: the topic set, its number of partitions, the era of versions.

A repartition moves the deployment to the next topic set; the phase says how far it has come. The destination of each
event follows from the phase alone, so every worker that has read the row routes alike:

| phase | edge events go to | posts go to |
|---|---|---|
| ``settled`` | the present topic set | the present one |
| ``copying``, ``filled`` | the present one, then the next | the present one |
| ``switched`` | the present one, then the next | the next |
| ``draining`` | none: they wait in the outbox | the next |
"""

from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """How far a repartition has come. ``docs/operating.md`` describes each phase."""

    SETTLED = "settled"
    COPYING = "copying"
    FILLED = "filled"
    SWITCHED = "switched"
    DRAINING = "draining"


@dataclass(frozen=True, slots=True)
class Deployment:
    """The one row of the table. ``era`` grows when PostgreSQL has lost commits, so that new edge versions win.

    ``generation`` is the topic set. ``audit`` counts the requests to compare the follower tables with PostgreSQL
    (``services.audits``).
    """

    generation: int
    partitions: int
    era: int = 0
    phase: Phase = Phase.SETTLED
    next_generation: int | None = None
    next_partitions: int | None = None
    audit: int = 0

    @property
    def generations(self) -> tuple[int, ...]:
        """The present topic set, and the next one during a repartition."""
        return (self.generation,) if self.next_generation is None else (self.generation, self.next_generation)

    @property
    def posts_go_to(self) -> int:
        """The topic set that takes new posts and deletions of posts."""
        return self.generations[-1] if self.phase in (Phase.SWITCHED, Phase.DRAINING) else self.generation

    @property
    def edges_go_to(self) -> tuple[int, ...]:
        """The topic sets that take events of edges and users, in the order of publishing.

        The present one comes first, so that every event in the next one is in the present one too, and counts when a
        repartition waits for the present one to be applied. While it waits there is none: workers of the next topic
        set would apply a follow, and then those of the present one the older unfollow.
        """
        return () if self.phase is Phase.DRAINING else self.generations

    @property
    def open_generations(self) -> tuple[int, ...]:
        """The topic sets that workers may run in: the next one as soon as its table is filled."""
        return self.generations[:1] if self.phase is Phase.COPYING else self.generations

    def partitions_of(self, generation: int) -> int:
        """Return the number of partitions of the present or the next topic set."""
        return self.next_partitions or self.partitions if generation == self.next_generation else self.partitions
