"""The command ``migrate``: brings PostgreSQL, Cassandra and Kafka to what this version needs. Safe to run again.

Topics are made here and never by the broker, so that partitions and guarantees are what the settings say.
"""

import asyncio
from typing import Any

from faust import App

from microblog_streams.commands.exit_codes import expected_failures
from microblog_streams.config.settings import Settings
from microblog_streams.kafka.create_topics import create_topics
from microblog_streams.stores.cassandra import keyspace
from microblog_streams.stores.postgres import migrations
from microblog_streams.stores.postgres.connection import Postgres
from microblog_streams.stores.postgres.deployment import create_deployment
from microblog_streams.stores.postgres.migrations import fill_looks


def register(app: App, settings: Settings) -> None:
    """Add ``migrate`` to the app's commands."""

    @app.command()
    async def migrate(self: Any) -> None:  # noqa: ANN401 -- Faust's command object
        """Create or update the tables, the keyspace and the topics."""
        with expected_failures():
            await migrate_all(settings)


async def migrate_all(settings: Settings) -> None:
    """Migrate all three, PostgreSQL and Kafka beside Cassandra. Raises SetupError, StoreUnavailable."""
    (postgres, kafka), cassandra = await asyncio.gather(_postgres_and_kafka(settings), keyspace.migrate(settings))
    for part, names in {"postgresql": postgres, "cassandra": cassandra, "kafka": kafka}.items():
        print(f"{part}: {', '.join(names) or 'up to date'}")


async def _postgres_and_kafka(settings: Settings) -> tuple[list[str], list[str]]:
    """PostgreSQL first: it knows which topics are in use, and how many partitions they have."""
    postgres = Postgres(settings)
    try:
        await postgres.connect()
        applied = await migrations.migrate(postgres)
        if filled := await fill_looks(postgres):
            applied.append(f"what {filled} names look like")
        deployment = await create_deployment(postgres, settings.partitions)
    finally:
        await postgres.close()
    return applied, await create_topics(settings, deployment.generation, deployment.partitions)
