"""The command ``migrate``: creates or updates the schemas of PostgreSQL and Cassandra, and the Kafka topics.

Topics are created here and never by the brokers, so that their partitions and guarantees are those of the settings.
"""

import asyncio
from typing import Any

from faust import App

from microblog_streams.commands.common import connected, expected_failures
from microblog_streams.config.settings import Settings
from microblog_streams.domain.deployment import Deployment
from microblog_streams.domain.topics import DEAD_LETTERS
from microblog_streams.kafka.topics import create_topics
from microblog_streams.ports import ResolvedLetters as LettersPort
from microblog_streams.stores.cassandra import keyspace
from microblog_streams.stores.postgres import migrations
from microblog_streams.stores.postgres.connection import Postgres
from microblog_streams.stores.postgres.deployment import create_deployment
from microblog_streams.stores.postgres.migrations import fill_looks
from microblog_streams.stores.postgres.resolved_letters import ResolvedLetters


def register(app: App, settings: Settings) -> None:
    """Add ``migrate`` to the app's commands."""

    @app.command()
    async def migrate(self: Any) -> None:  # noqa: ANN401 -- Faust's command object
        """Create or update the tables, the keyspace and the topics. May be run again."""
        with expected_failures():
            await migrate_all(settings)


async def migrate_all(settings: Settings) -> None:
    """Migrate PostgreSQL and then Kafka, and Cassandra at the same time. Raises SetupError, StoreUnavailable."""
    (postgres, kafka), cassandra = await asyncio.gather(_postgres_and_kafka(settings), keyspace.migrate(settings))
    for store, names in {"postgresql": postgres, "cassandra": cassandra, "kafka": kafka}.items():
        print(f"{store}: {', '.join(names) or 'up to date'}")


async def _postgres_and_kafka(settings: Settings) -> tuple[list[str], list[str]]:
    """PostgreSQL first: its deployment row says which topics to create, and with how many partitions."""
    postgres = Postgres(settings)
    async with connected(postgres):
        applied = await migrations.migrate(postgres)
        if filled := await fill_looks(postgres):
            applied.append(f"what {filled} names look like")
        deployment = await create_deployment(postgres, settings.partitions)
        return applied, await _topics(settings, deployment, ResolvedLetters(postgres))


async def _topics(settings: Settings, deployment: Deployment, resolved: LettersPort) -> list[str]:
    """Create missing topics and return their names.

    Beside a restored PostgreSQL a new ``dead.letters`` counts offsets anew, so what was resolved at them is forgotten.
    """
    created = await create_topics(settings, deployment.generation, deployment.partitions)
    if DEAD_LETTERS in created:
        await resolved.forget_all()
    return created
