"""The command ``grow-partitions``: moves the deployment to a topic set with more partitions (``repartition``)."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import click
from faust import App
from faust.cli import argument, option

from microblog_streams.commands.common import ProgressBars, connected, expected_failures
from microblog_streams.config.settings import Settings
from microblog_streams.domain.deployment import Deployment
from microblog_streams.domain.topics import SOURCES, changelog_name, topic_name
from microblog_streams.kafka.consumer_lag import offsets
from microblog_streams.ports import Progress
from microblog_streams.repartition.repartition import ProgressWaits, RepartitionRun
from microblog_streams.repartition.topics import TopicSetTopics
from microblog_streams.stores.postgres.connection import Postgres
from microblog_streams.stores.postgres.deployment import moving
from microblog_streams.stores.postgres.follows import Follows
from microblog_streams.stores.postgres.users import Users
from microblog_streams.stores.redis.connection import Redis
from microblog_streams.stores.redis.worker_registry import Worker, WorkerRegistry

_NO_MOVE: Final = "there was no unfinished move to give up"


def register(app: App, settings: Settings) -> None:
    """Add ``grow-partitions N [--warm] [--abandon]`` to the app's commands."""

    @app.command(
        argument("partitions", type=click.IntRange(1, 1024)),
        option("--warm", is_flag=True, help="Wait for workers of the next generation before posts go to its topics."),
        option("--abandon", is_flag=True, help="Give up an unfinished move, if posts do not go to the new topics yet."),
    )
    async def grow_partitions(self: Any, partitions: int, warm: bool, abandon: bool) -> None:  # noqa: ANN401
        """Move to topics with PARTITIONS partitions, while the platform serves.

        If it is interrupted, run it again: it continues where it stopped.
        """
        with expected_failures():
            await (_abandon(settings) if abandon else _grow(settings, partitions, warm))


async def _grow(settings: Settings, partitions: int, warm: bool) -> None:
    begun = time.monotonic()
    with ProgressBars() as progress:
        async with _repartition(settings, progress, warm) as repartition:
            before = (await repartition.row.read()).generation
            deployment = await repartition.run(partitions)
            left = await repartition.waits.wait_until_restarted(deployment.generation)
    _print_result(deployment, before, left, time.monotonic() - begun)


async def _abandon(settings: Settings) -> None:
    async with _repartition(settings, ProgressBars()) as repartition:
        before = await repartition.row.read()
        after = await repartition.abandon()
    unused = f"the topics of generation {before.next_generation} can be deleted" if before.next_generation else _NO_MOVE
    print(f"generation {after.generation}, {after.partitions} partitions; {unused}")


@asynccontextmanager
async def _repartition(settings: Settings, progress: Progress, warm: bool = False) -> AsyncIterator[RepartitionRun]:
    """Connect the stores, and lock the repartition for the length of the block."""
    postgres, redis = Postgres(settings), Redis(settings)
    async with connected(postgres, redis), moving(postgres) as row, offsets(settings) as kafka:
        topics = TopicSetTopics(settings, Follows(postgres), Users(postgres))
        waits = ProgressWaits(kafka, WorkerRegistry(redis).workers, row.keep, progress)
        yield RepartitionRun(row, topics, waits, progress, warm)


def _print_result(deployment: Deployment, before: int, left: Sequence[Worker], seconds: float) -> None:
    print(f"generation {deployment.generation}, {deployment.partitions} partitions, after {seconds:.1f} s")
    if left:
        print(f"still to restart: {', '.join(worker.name for worker in left)}")
    if before != deployment.generation:
        names = [*(topic_name(name, before) for name in SOURCES), changelog_name(before)]
        print(f"can be deleted once no worker runs in generation {before}: {', '.join(names)}")
