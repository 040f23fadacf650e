"""What all workers of a deployment must agree on: the topics' generation, their partitions, the era of versions.

Growing the partitions is a move to the next generation of topics, and the phase says how far it has come. What goes
where follows from the phase alone, so that every worker that looks it up acts alike:

| phase | edge events go to | posts go to |
|---|---|---|
| settled | the present generation | the present one |
| copying, filled | the present one, then the next | the present one |
| switched | the present one, then the next | the next |
| draining | nowhere: they wait in the outbox | the next |
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from psycopg2.errors import UndefinedColumn, UndefinedTable

from microblog_streams.domain.errors import SetupError
from microblog_streams.stores.postgres.connection import Postgres
from microblog_streams.stores.postgres.session import Row, Session


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


#: The columns of a deployment, in the order of its fields.
COLUMNS: Final = "generation, partitions, era, phase, next_generation, next_partitions, audit"
SELECT: Final = f"SELECT {COLUMNS} FROM deployment"  # noqa: S608


def read(row: Row) -> Deployment:
    """Return the row of the table as a deployment."""
    generation, partitions, era, phase, next_generation, next_partitions, audit = row
    return Deployment(generation, partitions, era, Phase(phase), next_generation, next_partitions, audit)


async def create_deployment(postgres: Postgres, partitions: int) -> Deployment:
    """Write generation 1 and era 0, unless there is a deployment already; return what is there."""
    await postgres.execute(
        "INSERT INTO deployment (generation, partitions, era) VALUES (1, %s, 0) ON CONFLICT DO NOTHING", partitions
    )
    await postgres.look()  # notes which server it is: another one is noticed from now on
    return await get_deployment(postgres)


async def get_deployment(postgres: Postgres | Session) -> Deployment:
    """Return the deployment. Raises SetupError where ``migrate`` never ran on this database."""
    try:
        row = await postgres.fetch_one(SELECT)
    except (UndefinedTable, UndefinedColumn):
        row = None
    if row is None:
        raise SetupError("the database is not set up: run `faust -A microblog_streams migrate`")
    return read(row)
