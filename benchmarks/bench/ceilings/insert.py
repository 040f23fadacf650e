"""PostgreSQL alone: rows inserted one a transaction, from aiopg's own pool, beside our pool and sessions.

    python -m benchmarks.bench.ceilings.insert

Prints the rows a second of both, by as many connections as a worker has. Nothing reads the table.
"""

from functools import partial

import aiopg

from benchmarks.bench.ceilings.clients import BARE, OURS, Rates, rate, report
from microblog_streams.config.settings import load_settings
from microblog_streams.stores.postgres.connection import Postgres

_TABLE = "CREATE TABLE IF NOT EXISTS bench_ceiling (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, text text)"
_INSERT = "INSERT INTO bench_ceiling (text) VALUES (%s)"
TEXT = "a row"


async def insert() -> Rates:
    """Insert by both."""
    settings = load_settings()
    postgres, size = Postgres(settings), settings.pool_size
    await postgres.connect()
    try:
        await postgres.execute(_TABLE)
        async with aiopg.create_pool(settings.postgres_url.get_secret_value(), minsize=size, maxsize=size) as pool:
            bare = await rate(partial(_bare, pool))
        return {BARE: bare, OURS: await rate(lambda: postgres.execute(_INSERT, TEXT))}
    finally:
        await postgres.close()


async def _bare(pool: aiopg.Pool) -> None:
    async with pool.acquire() as connection, connection.cursor() as cursor:
        await cursor.execute(_INSERT, (TEXT,))


if __name__ == "__main__":
    report(insert())
