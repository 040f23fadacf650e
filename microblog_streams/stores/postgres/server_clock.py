"""PostgreSQL's clock: the one that all workers can compare theirs with."""

from typing import Final

from microblog_streams.stores.postgres.connection import Postgres

_NOW: Final = "SELECT extract(epoch FROM clock_timestamp())::float8"


async def server_time(postgres: Postgres) -> float:
    """Return PostgreSQL's time, in seconds since 1970. Raises StoreUnavailable."""
    ((seconds,),) = await postgres.fetch(_NOW)
    return float(seconds)
