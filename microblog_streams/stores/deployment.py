"""What all workers of a deployment must agree on: the topics' generation, their partitions, the era of versions."""

from dataclasses import dataclass

from psycopg2.errors import UndefinedTable

from microblog_streams.errors import SetupError
from microblog_streams.stores.postgres import Postgres


@dataclass(frozen=True, slots=True)
class Deployment:
    """The one row of the table. ``era`` is raised after a restored backup, so that new versions of edges win."""

    generation: int
    partitions: int
    era: int


async def create_deployment(postgres: Postgres, partitions: int) -> Deployment:
    """Write generation 1 and era 0, unless there is a deployment already; return what is there."""
    await postgres.execute(
        "INSERT INTO deployment (generation, partitions, era) VALUES (1, %s, 0) ON CONFLICT DO NOTHING", partitions
    )
    return await get_deployment(postgres)


async def get_deployment(postgres: Postgres) -> Deployment:
    """Return the deployment. Raises SetupError where ``migrate`` never ran on this database."""
    try:
        row = await postgres.fetch_one("SELECT generation, partitions, era FROM deployment")
    except UndefinedTable:
        row = None
    if row is None:
        raise SetupError("the database is not set up: run `faust -A microblog_streams migrate`")
    return Deployment(*row)
