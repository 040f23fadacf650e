"""The deployment's row in PostgreSQL: reading it, the steps of a repartition, and the progress of edge audits.

Every step of a repartition is one statement that applies only in the previous phase, so a step that was made already,
by a command that was interrupted, changes nothing. All steps use the session that holds the advisory lock: a command
that has lost the lock, perhaps to another command, can make no step.

A worker needs the deployment before it connects, because the app's name depends on it: ``last_deployment`` asks
PostgreSQL once, and falls back to the last known deployment, from a file in the worker's folder, or to topic set 1.
``services.deployment_watch`` checks again once PostgreSQL answers. Until then a wrong assumption is harmless: the
topics of an old topic set take no posts.
"""

import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, Final

import psycopg2
from psycopg2.errors import UndefinedColumn, UndefinedTable

from microblog_streams.config.settings import Settings
from microblog_streams.domain.deployment import Deployment, Phase
from microblog_streams.domain.errors import SetupError
from microblog_streams.stores.postgres.connection import Lock, Postgres
from microblog_streams.stores.postgres.session import Row, Session, first_line, target

logger = logging.getLogger(__name__)

#: The columns of a ``Deployment``, in the order of its fields.
COLUMNS: Final = "generation, partitions, era, phase, next_generation, next_partitions, audit"
SELECT: Final = f"SELECT {COLUMNS} FROM deployment"  # noqa: S608


def read(row: Row) -> Deployment:
    """Convert a row with ``COLUMNS``."""
    generation, partitions, era, phase, next_generation, next_partitions, audit = row
    return Deployment(generation, partitions, era, Phase(phase), next_generation, next_partitions, audit)


async def create_deployment(postgres: Postgres, partitions: int) -> Deployment:
    """Insert topic set 1 and era 0 unless there is a deployment; return the deployment."""
    await postgres.execute(
        "INSERT INTO deployment (generation, partitions, era) VALUES (1, %s, 0) ON CONFLICT DO NOTHING", partitions
    )
    await postgres.check_server()  # records the server, so that a replacement is noticed from now on
    return await get_deployment(postgres)


async def get_deployment(postgres: Postgres | Session) -> Deployment:
    """Return the deployment. Raises SetupError if ``migrate`` never ran on this database."""
    try:
        row = await postgres.fetch_one(SELECT)
    except (UndefinedTable, UndefinedColumn):
        row = None
    if row is None:
        raise SetupError("the database is not set up: run `faust -A microblog_streams migrate`")
    return read(row)


#: Limit of the query for one row, connect included.
_QUERY_SECONDS: Final = 2


def last_deployment(settings: Settings) -> Deployment:
    """Return the deployment in PostgreSQL, else the last one that this worker knew, else topic set 1.

    The era is the later of the first two: PostgreSQL may have lost its own.
    Blocks for some seconds at most: call it before the event loop runs.
    """
    known = _read_file(_file(settings))
    try:
        asked = _ask_postgres(settings)
        return replace(asked, era=max(asked.era, known.era)) if known else asked
    except (psycopg2.Error, SetupError, LookupError) as exc:
        logger.info("deployment_not_asked reason=%s", first_line(exc))
    return known or Deployment(1, settings.partitions)


def remember(settings: Settings, deployment: Deployment) -> None:
    """Save the deployment for the next start. Ignores an unwritable folder, which other code reports."""
    file = _file(settings)
    with suppress(OSError):
        new_file = file.with_suffix(".new")
        new_file.write_text(json.dumps(asdict(deployment)), encoding="utf-8")
        new_file.replace(file)


def _ask_postgres(settings: Settings) -> Deployment:
    url = settings.postgres_url.get_secret_value()
    options = {"statement_timeout": _QUERY_SECONDS * 1000, "lock_timeout": _QUERY_SECONDS * 1000}
    where: dict[str, Any] = {
        **target(url, f"microblog {settings.worker_name}", options),
        "connect_timeout": _QUERY_SECONDS,
    }
    with closing(psycopg2.connect(**where)) as connection, connection.cursor() as cursor:
        cursor.execute(SELECT)
        row = cursor.fetchone()
    if row is None:
        raise LookupError("migrate did not run yet")
    return read(row)


def _read_file(file: Path) -> Deployment | None:
    try:
        known = json.loads(file.read_text(encoding="utf-8"))
        # A newer release may have written more fields.
        told = {field.name: known[field.name] for field in fields(Deployment) if field.name in known}
        return Deployment(**{**told, "phase": Phase(known["phase"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _file(settings: Settings) -> Path:
    return settings.worker_dir / "deployment.json"


#: Limit of one statement.
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
    """A repartition, made by ``moving``. Each step returns the deployment after it.

    All methods raise StoreUnavailable, also after the lock is lost.
    """

    def __init__(self, session: Session) -> None:
        """``session`` holds the lock."""
        self._session = session

    async def keep(self) -> None:
        """Check that this command still holds the lock; to be called at intervals during other work."""
        await self._session.fetch_one("SELECT 1")

    async def read(self) -> Deployment:
        """Return the deployment. Raises SetupError if ``migrate`` never ran."""
        return await get_deployment(self._session)

    async def number(self) -> int:
        """Return a number that no topic set ever had."""
        ((number,),) = await self._session.fetch(_NUMBER)
        return int(number)

    async def begin(self, generation: int, partitions: int) -> Deployment:
        """Send edge events to both topic sets from now on; the topics of the next one must exist."""
        await self._session.execute(_BEGIN, generation, partitions)
        return await self.read()

    async def advance(self, before: Phase, after: Phase) -> Deployment:
        """Enter the next phase."""
        await self._session.execute(_ADVANCE, after.value, before.value)
        return await self.read()

    async def complete(self) -> Deployment:
        """Make the next topic set the present one."""
        await self._session.execute(_COMPLETE)
        return await self.read()

    async def abandon(self) -> Deployment:
        """Return to the present topic set; no effect once posts go to the next one."""
        await self._session.execute(_ABANDON)
        return await self.read()


@asynccontextmanager
async def moving(postgres: Postgres) -> AsyncIterator[Repartition]:
    """Hold the lock of repartitions for the length of the block. Raises SetupError if another command holds it."""
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
    """The partitions whose rows were compared with PostgreSQL (``services.audits``). Raises StoreUnavailable."""

    def __init__(self, postgres: Postgres) -> None:
        """Use the pool of ``postgres``."""
        self._postgres = postgres

    async def ask(self) -> None:
        """Request a new audit: the workers compare all their rows."""
        await self._postgres.execute(_ASK)

    async def done(self, generation: int, audit: int) -> set[int]:
        """Return the partitions of a topic set that were compared for this audit, or a later one."""
        return {partition for (partition,) in await self._postgres.fetch(_DONE, generation, audit)}

    async def record(self, generation: int, partition: int, audit: int) -> None:
        """Record that a partition was compared."""
        await self._postgres.execute(_RECORD, generation, partition, audit)

    async def complete(self, deployment: Deployment) -> bool:
        """Return whether the last requested audit has covered all partitions of the present topic set."""
        if not deployment.audit:
            return True
        done = await self.done(deployment.generation, deployment.audit)
        return len(done) >= deployment.partitions
