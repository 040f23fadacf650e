"""Which partitions' rows were compared with PostgreSQL since it was asked for last. See ``services.edge_audit``."""

from typing import Final

from microblog_streams.stores.postgres.connection import Postgres
from microblog_streams.stores.postgres.deployment import Deployment

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
