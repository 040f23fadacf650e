"""What all workers of a deployment must agree on: the topic set, its number of partitions, the era of versions.

A repartition moves the deployment to the next topic set; the phase says how far it has come. The destination of each
event follows from the phase alone, so every worker that has read the row routes alike:

| phase | edge events go to | posts go to |
|---|---|---|
| settled | the present topic set | the present one |
| copying, filled | the present one, then the next | the present one |
| switched | the present one, then the next | the next |
| draining | none: they wait in the outbox | the next |
"""

from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """How far the move to the next generation has come. ``docs/operating.md`` tells what happens in each."""

    SETTLED = "settled"
    COPYING = "copying"
    FILLED = "filled"
    SWITCHED = "switched"
    DRAINING = "draining"


@dataclass(frozen=True, slots=True)
class Deployment:
    """The one row of the table. ``era`` rises when PostgreSQL has lost commits, so that new versions of edges win.

    ``audit`` counts how often the workers had to compare their tables with PostgreSQL: see ``services.edge_audit``.
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
        """The present generation, and the one that a move under way leads to."""
        return (self.generation,) if self.next_generation is None else (self.generation, self.next_generation)

    @property
    def posts_go_to(self) -> int:
        """The generation whose topics take new posts and deletions of posts."""
        return self.generations[-1] if self.phase in (Phase.SWITCHED, Phase.DRAINING) else self.generation

    @property
    def edges_go_to(self) -> tuple[int, ...]:
        """The generations whose topics take events of edges and users, in the order in which they must get them.

        The present one is first: an event that the next one has is then in the present one, too, and counted there
        when somebody looks whether all of it is brought about. None while that is waited for: workers of the next
        generation would bring about a follow, and then those of the present one the unfollow before it.
        """
        return () if self.phase is Phase.DRAINING else self.generations

    @property
    def open_generations(self) -> tuple[int, ...]:
        """The generations that workers may run in: the next one as soon as its table is filled."""
        return self.generations[:1] if self.phase is Phase.COPYING else self.generations

    def partitions_of(self, generation: int) -> int:
        """Return how many partitions the topics of the present or the next generation have."""
        return self.next_partitions or self.partitions if generation == self.next_generation else self.partitions
