"""A deployment beside others on the same servers: it shares neither posts, users nor events with them.

It has a database in PostgreSQL, a keyspace, a database of Valkey and topics of its own. The topics are those of a topic
set ("generation") with a high number, of which the consumer group is another too. Dead letters are shared by all.
"""

import asyncio
import itertools
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import make_dsn
from yarl import URL

from microblog_streams.config.settings import PREFIX, Settings
from microblog_streams.stores.postgres import migrations
from microblog_streams.stores.postgres.connection import Postgres
from tests.support.connections import opened
from tests.support.live.processes import migrate_stack
from tests.support.live.stack import RunningStack

#: Their names in a stack's environment.
POSTGRES, CASSANDRA, REDIS = (f"{PREFIX}{name}_URL" for name in ("POSTGRES", "CASSANDRA", "REDIS"))


@dataclass(frozen=True, slots=True)
class SeparateDeployment(RunningStack):
    """What leads to it, and the number of its first topic set."""

    topic_set: int = 1


#: Databases of Valkey, one for each deployment of a process: the first eight are others'.
_redis_databases = itertools.count(8)
#: Topic sets, so far apart that a deployment may move to the next ones.
_topic_sets = itertools.count(100, 100)


@contextmanager
def separate_deployment(stack: RunningStack, partitions: int = 8) -> Iterator[SeparateDeployment]:
    """Set one up on a migrated stack, with topics of so many partitions; remove its database after the block."""
    name = f"deployment_{uuid.uuid4().hex}"
    server = stack.stack.environment[POSTGRES]
    _execute(server, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    urls = {
        POSTGRES: str(URL(server).with_path(f"/{name}")),
        CASSANDRA: f"{stack.stack.environment[CASSANDRA].rpartition('/')[0]}/{name}",
        REDIS: f"{stack.stack.environment[REDIS].rpartition('/')[0]}/{next(_redis_databases)}",
    }
    topic_set = next(_topic_sets)
    own = {variable.removeprefix(PREFIX).lower(): url for variable, url in urls.items()}
    settings = Settings.model_validate({**stack.settings.model_dump(), **own})
    try:
        asyncio.run(_enter(settings, topic_set, partitions))
        separate = SeparateDeployment(stack.stack, settings, urls, topic_set)
        migrate_stack(separate)
        yield separate
    finally:
        _execute(server, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


async def _enter(settings: Settings, topic_set: int, partitions: int) -> None:
    """Say in the database which topics there are to be: ``migrate`` makes them."""
    postgres = Postgres(settings)
    async with opened(postgres):
        await migrations.migrate(postgres)
        await postgres.execute(
            "INSERT INTO deployment (generation, partitions, era, highest) VALUES (%s, %s, 0, %s)",
            topic_set,
            partitions,
            topic_set,
        )


def _execute(url: str, statement: sql.Composable) -> None:
    with closing(psycopg2.connect(make_dsn(url))) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute(statement)
