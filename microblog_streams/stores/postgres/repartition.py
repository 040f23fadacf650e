"""The steps of a move to the next generation of topics, as the row that all workers look up tells them.

Every step is one statement that holds only in the phase before it, so a step that was taken already, by a command that
was interrupted and runs again, changes nothing. All go over the session that holds the lock: a command that has lost
it, to another one maybe, can take no step any more.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from microblog_streams.domain.errors import SetupError
from microblog_streams.stores.postgres.connection import Lock, Postgres
from microblog_streams.stores.postgres.deployment import Deployment, Phase, get_deployment
from microblog_streams.stores.postgres.session import Session

#: Seconds that one statement may take.
_LIMIT: Final = 10.0

_NUMBER: Final = "UPDATE deployment SET highest = highest + 1 RETURNING highest"
_BEGIN: Final = """
UPDATE deployment SET phase = 'copying', next_generation = %s, next_partitions = %s WHERE phase = 'settled'
"""
_ADVANCE: Final = "UPDATE deployment SET phase = %s WHERE phase = %s"
_SETTLE: Final = """
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

    async def look(self) -> Deployment:
        """Return the deployment. Raises SetupError where ``migrate`` never ran."""
        return await get_deployment(self._session)

    async def number(self) -> int:
        """Return a number that no generation ever had."""
        ((number,),) = await self._session.fetch(_NUMBER)
        return int(number)

    async def begin(self, generation: int, partitions: int) -> Deployment:
        """Have edge events go to both generations from now on; the next one's topics must be there."""
        await self._session.execute(_BEGIN, generation, partitions)
        return await self.look()

    async def advance(self, before: Phase, after: Phase) -> Deployment:
        """Go on to the next phase."""
        await self._session.execute(_ADVANCE, after.value, before.value)
        return await self.look()

    async def settle(self) -> Deployment:
        """Make the next generation the present one."""
        await self._session.execute(_SETTLE)
        return await self.look()

    async def abandon(self) -> Deployment:
        """Go back to where it began; only before posts go to the next generation."""
        await self._session.execute(_ABANDON)
        return await self.look()


@asynccontextmanager
async def moving(postgres: Postgres) -> AsyncIterator[Repartition]:
    """Hold the move for the length of the block. Raises SetupError where somebody else does."""
    async with postgres.dedicated(_LIMIT) as session:
        if await session.fetch_one("SELECT pg_try_advisory_lock(%s)", int(Lock.MOVE)) != (True,):
            raise SetupError("another grow-partitions is running on this database: wait for its end")
        yield Repartition(session)
