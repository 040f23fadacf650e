"""The command ``migrate``: brings PostgreSQL, Cassandra and Kafka to what this version needs. Safe to run again.

Topics are made here and never by the broker, so that partitions and guarantees are what the settings say.
"""

import asyncio
from typing import TYPE_CHECKING, Any

from microblog_streams.commands.expected import expected_failures
from microblog_streams.commands.kafka_topics import create_topics
from microblog_streams.stores import keyspace, migrations
from microblog_streams.stores.deployment import create_deployment
from microblog_streams.stores.postgres import Postgres

if TYPE_CHECKING:
    from microblog_streams.application import MicroblogApp


def register(app: "MicroblogApp") -> None:
    """Add ``migrate`` to the app's commands."""

    @app.command()
    async def migrate(self: Any) -> None:  # noqa: ANN401 -- Faust's command object
        """Create or update the tables, the keyspace and the topics."""
        with expected_failures():
            await migrate_all(app)


async def migrate_all(app: "MicroblogApp") -> None:
    """Migrate all three side by side. Raises SetupError, StoreUnavailable."""
    done = await asyncio.gather(_postgres(app), keyspace.migrate(app.settings), create_topics(app))
    for part, names in zip(("postgresql", "cassandra", "kafka"), done, strict=True):
        print(f"{part}: {', '.join(names) or 'up to date'}")


async def _postgres(app: "MicroblogApp") -> list[str]:
    postgres = Postgres(app.settings)
    try:
        await postgres.connect()
        applied = await migrations.migrate(postgres)
        await create_deployment(postgres, app.settings.partitions)
    finally:
        await postgres.close()
    return applied
