"""The command ``grow-partitions``: more partitions, for more workers, while everything goes on. See ``growth``."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import click
from faust import App
from faust.cli import argument, option

from microblog_streams.commands.exit_codes import expected_failures
from microblog_streams.commands.progress_bar import ProgressSteps
from microblog_streams.config.settings import Settings
from microblog_streams.domain.deployment import Deployment
from microblog_streams.domain.topics import SOURCES, changelog_name, topic_name
from microblog_streams.kafka.consumer_lag import offsets
from microblog_streams.repartition.progress_waits import ProgressWaits
from microblog_streams.repartition.repartition import Growth
from microblog_streams.repartition.topics import GrowingTopics
from microblog_streams.stores.postgres.connection import Postgres
from microblog_streams.stores.postgres.deployment import moving
from microblog_streams.stores.postgres.follows import Follows
from microblog_streams.stores.postgres.users import Users
from microblog_streams.stores.redis.connection import Redis
from microblog_streams.stores.redis.worker_registry import Worker, WorkerRegistry


def register(app: App, settings: Settings) -> None:
    """Add ``grow-partitions N [--warm] [--abandon]`` to the app's commands."""

    @app.command(
        argument("partitions", type=click.IntRange(1, 1024)),
        option("--warm", is_flag=True, help="Wait for workers of the next generation before posts go there."),
        option("--abandon", is_flag=True, help="Give up a move whose posts do not go to the new topics yet."),
    )
    async def grow_partitions(self: Any, partitions: int, warm: bool, abandon: bool) -> None:  # noqa: ANN401
        """Move to topics with PARTITIONS partitions, while everything goes on.

        If it is interrupted, run it again: it goes on where it was.
        """
        with expected_failures():
            await (_abandon(settings) if abandon else _grow(settings, partitions, warm))


async def _grow(settings: Settings, partitions: int, warm: bool) -> None:
    begun = time.monotonic()
    with ProgressSteps() as shown:
        async with _growth(settings, shown, warm) as growth:
            before = (await growth.move.look()).generation
            deployment = await growth.run(partitions)
            left = await growth.waits.moved(deployment.generation)
    _tell(deployment, before, left, time.monotonic() - begun)


async def _abandon(settings: Settings) -> None:
    async with _growth(settings, ProgressSteps()) as growth:
        before = await growth.move.look()
        after = await growth.abandon()
    topics = f"; the topics of generation {before.next_generation} are of no use" if before.next_generation else ""
    print(f"generation {after.generation}, {after.partitions} partitions{topics}")


@asynccontextmanager
async def _growth(settings: Settings, shown: ProgressSteps, warm: bool = False) -> AsyncIterator[Growth]:
    """Connect everything that a move needs, and hold the move."""
    async with (
        _postgres(settings) as postgres,
        _redis(settings) as roster,
        moving(postgres) as move,
        offsets(settings) as kafka,
    ):
        topics = GrowingTopics(settings, Follows(postgres), Users(postgres))
        yield Growth(move, topics, ProgressWaits(kafka, roster.workers, move.keep, shown), shown, warm)


@asynccontextmanager
async def _postgres(settings: Settings) -> AsyncIterator[Postgres]:
    postgres = Postgres(settings)
    try:
        await postgres.connect()
        yield postgres
    finally:
        await postgres.close()


@asynccontextmanager
async def _redis(settings: Settings) -> AsyncIterator[WorkerRegistry]:
    redis = Redis(settings)
    try:
        await redis.connect()
        yield WorkerRegistry(redis)
    finally:
        await redis.close()


def _tell(deployment: Deployment, before: int, left: Sequence[Worker], seconds: float) -> None:
    print(f"generation {deployment.generation}, {deployment.partitions} partitions, after {seconds:.1f} s")
    if left:
        print(f"still to start again: {', '.join(worker.name for worker in left)}")
    if before != deployment.generation:
        names = [*(topic_name(name, before) for name in SOURCES), changelog_name(before)]
        print(f"of no use once no worker runs in generation {before}: {', '.join(names)}")
