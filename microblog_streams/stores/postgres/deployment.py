"""What all workers of a deployment must agree on: the topics' generation, their partitions, the era of versions.

Growing the partitions is a move to the next generation of topics, and the phase says how far it has come. What goes
where follows from the phase alone, so that every worker that looks it up acts alike:

| phase | edge events go to | posts go to |
|---|---|---|
| settled | the present generation | the present one |
| copying, filled | the present one, then the next | the present one |
| switched | the present one, then the next | the next |
| draining | nowhere: they wait in the outbox | the next |

The steps of a move to the next generation of topics, as the row that all workers look up tells them.

Every step is one statement that holds only in the phase before it, so a step that was taken already, by a command that
was interrupted and runs again, changes nothing. All go over the session that holds the lock: a command that has lost
it, to another one maybe, can take no step any more.

Which partitions' rows were compared with PostgreSQL since it was asked for last. See ``services.edge_audit``.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from psycopg2.errors import UndefinedColumn, UndefinedTable

from microblog_streams.domain.deployment import Deployment, Phase
from microblog_streams.domain.errors import SetupError
from microblog_streams.stores.postgres.connection import Lock, Postgres
from microblog_streams.stores.postgres.session import Row, Session

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
    await postgres.check_server()  # notes which server it is: another one is noticed from now on
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


#: Seconds that one statement may take.
_STATEMENT_SECONDS: Final = 10.0

_NUMBER: Final = "UPDATE deployment SET highest = highest + 1 RETURNING highest"
_BEGIN: Final = """
UPDATE deployment SET phase = 'copying', next_generation = %s, next_partitions = %s WHERE phase = 'settled'
"""
_ADVANCE: Final = "UPDATE deployment SET phase = %s WHERE phase = %s"
_COMPLETE: Final = """
UPDATE deployment SET generation = next_generation, partitions = next_partitions,
       phase = 'settled', next_generation = NULL, next_partitions = NULL
 WHERE phase = 'draining'
"""
_ABANDON: Final = """
UPDATE deployment SET phase = 'settled', next_generation = NULL, next_partitions = NULL
 WHERE phase IN ('copying', 'filled')
"""


class Repartition:
    """The move of one deployment; ``moving`` makes it. Each step returns the deployment as it is then.

    All methods raise StoreUnavailable, also where the lock is lost.
    """

    def __init__(self, session: Session) -> None:
        """Take the session that holds the lock."""
        self._session = session

    async def keep(self) -> None:
        """Make sure that the move is still this command's; to be called now and then while something else goes on."""
        await self._session.fetch_one("SELECT 1")

    async def read(self) -> Deployment:
        """Return the deployment. Raises SetupError where ``migrate`` never ran."""
        return await get_deployment(self._session)

    async def number(self) -> int:
        """Return a number that no generation ever had."""
        ((number,),) = await self._session.fetch(_NUMBER)
        return int(number)

    async def begin(self, generation: int, partitions: int) -> Deployment:
        """Have edge events go to both generations from now on; the next one's topics must be there."""
        await self._session.execute(_BEGIN, generation, partitions)
        return await self.read()

    async def advance(self, before: Phase, after: Phase) -> Deployment:
        """Go on to the next phase."""
        await self._session.execute(_ADVANCE, after.value, before.value)
        return await self.read()

    async def complete(self) -> Deployment:
        """Make the next generation the present one."""
        await self._session.execute(_COMPLETE)
        return await self.read()

    async def abandon(self) -> Deployment:
        """Go back to where it began; only before posts go to the next generation."""
        await self._session.execute(_ABANDON)
        return await self.read()


@asynccontextmanager
async def moving(postgres: Postgres) -> AsyncIterator[Repartition]:
    """Hold the move for the length of the block. Raises SetupError where somebody else does."""
    async with postgres.dedicated(_STATEMENT_SECONDS) as session:
        if await session.fetch_one("SELECT pg_try_advisory_lock(%s)", int(Lock.MOVE)) != (True,):
            raise SetupError("another grow-partitions is running on this database: wait for its end")
        yield Repartition(session)


_DONE: Final = "SELECT partition FROM edge_audits WHERE generation = %s AND audit >= %s"
_RECORD: Final = """
INSERT INTO edge_audits AS known (generation, partition, audit) VALUES (%s, %s, %s)
ON CONFLICT (generation, partition) DO UPDATE SET audit = excluded.audit, audited_at = now()
 WHERE known.audit <= excluded.audit
"""
_ASK: Final = "UPDATE deployment SET audit = audit + 1"


class EdgeAudits:
    """Who has compared what. All methods raise StoreUnavailable."""

    def __init__(self, postgres: Postgres) -> None:
        """Take the connection."""
        self._postgres = postgres

    async def ask(self) -> None:
        """Have the workers compare all their rows once more."""
        await self._postgres.execute(_ASK)

    async def done(self, generation: int, audit: int) -> set[int]:
        """Return the partitions of a generation that were compared since this audit was asked for."""
        return {partition for (partition,) in await self._postgres.fetch(_DONE, generation, audit)}

    async def record(self, generation: int, partition: int, audit: int) -> None:
        """Note that a partition was compared."""
        await self._postgres.execute(_RECORD, generation, partition, audit)

    async def complete(self, deployment: Deployment) -> bool:
        """Tell whether all partitions of the present generation were compared since it was asked for last."""
        if not deployment.audit:
            return True
        done = await self.done(deployment.generation, deployment.audit)
        return len(done) >= deployment.partitions
