"""The command ``rebuild``: has the followers tables, the timelines or the posts' rows made from the truth again."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import click
from faust import App
from faust.cli import argument, option

from microblog_streams.commands.connected import connected, side_by_side
from microblog_streams.commands.everyone import Everyone
from microblog_streams.commands.exit_codes import expected_failures
from microblog_streams.commands.post_scan import rows_as_text, scanned
from microblog_streams.commands.progress_bar import ProgressSteps
from microblog_streams.commands.restatement import Restatement
from microblog_streams.config.settings import Settings
from microblog_streams.domain.errors import SetupError
from microblog_streams.kafka.consumer_lag import offsets
from microblog_streams.operations.timelines.merge_read import History
from microblog_streams.operations.timelines.rebuild import BUILDERS, Rebuild
from microblog_streams.services.caught_up import CaughtUp
from microblog_streams.stores.cassandra.connection import Cassandra
from microblog_streams.stores.cassandra.posts import Posts
from microblog_streams.stores.postgres.connection import Postgres
from microblog_streams.stores.postgres.deployment import EdgeAudits, get_deployment
from microblog_streams.stores.postgres.follows import Follows
from microblog_streams.stores.postgres.outbox import Outbox
from microblog_streams.stores.postgres.users import Users
from microblog_streams.stores.redis.connection import Redis
from microblog_streams.stores.redis.timelines import Timelines

#: Timelines that are removed side by side.
AT_ONCE: Final = 32


def register(app: App, settings: Settings) -> None:
    """Add ``rebuild edges|timelines|posts [--user ID ...]`` to the app's commands."""

    @app.command(
        argument("what", type=click.Choice(["edges", "timelines", "posts"])),
        option("--user", "users", type=click.IntRange(1), multiple=True, help="timelines: this person's, at once."),
    )
    async def rebuild(self: Any, what: str, users: tuple[int, ...]) -> None:  # noqa: ANN401 -- Faust's own
        """Make the workers' edges, the timelines, or rows that posts lack, from PostgreSQL and Cassandra again.

        Interrupted, it can be run again.
        """
        with expected_failures():
            if what != "timelines" and users:
                raise SetupError(f"rebuild {what} takes no --user: it is about all {what}")
            if what == "edges":
                await _edges(settings)
            elif what == "posts":
                await _posts(settings)
            elif users:
                await _at_once(settings, users)
            else:
                await _when_read(settings)


async def _posts(settings: Settings) -> None:
    scan = await scanned(settings, mend=True)
    print(rows_as_text(scan))
    print(f"{len(scan.wrong):,} posts are written again; timelines that lack them are found by `verify`")


async def _edges(settings: Settings) -> None:
    """Publish everything, have the workers find what is not here, and wait until they have written all of it down."""
    postgres = Postgres(settings)
    follows, outbox = Follows(postgres), Outbox(postgres)
    audits = EdgeAudits(postgres)
    caught_up = CaughtUp(outbox, lambda: get_deployment(postgres), lambda: offsets(settings), audits.complete)
    async with connected(postgres):
        await caught_up.check()
        with ProgressSteps() as steps:
            restatement = Restatement(follows, Users(postgres), outbox, steps)
            edges = await restatement.edges(await follows.estimate() or None)
            deleted = await restatement.deletions()
            await audits.ask()
            steps.step("waiting for the workers, who compare their tables")
            await caught_up.wait()
    print(f"{edges:,} edges and {deleted:,} deleted users are in the workers' tables")


async def _at_once(settings: Settings, named: tuple[int, ...]) -> None:
    postgres, cassandra, redis = Postgres(settings), Cassandra(settings), Redis(settings)
    timelines = Timelines(redis)
    rebuild = Rebuild(timelines, History(Follows(postgres), Posts(cassandra)))

    async def make_anew(user: int) -> None:
        await timelines.remove(user)
        await rebuild.warm(user)

    async with connected(postgres, cassandra, redis):
        count = await _for_each(Everyone(Users(postgres), named), len(named), make_anew, BUILDERS)
    print(f"{count:,} timelines are rebuilt")


async def _when_read(settings: Settings) -> None:
    postgres, redis = Postgres(settings), Redis(settings)
    users = Users(postgres)
    async with connected(postgres, redis):
        count = await _for_each(Everyone(users), await users.estimate(), Timelines(redis).remove, AT_ONCE)
    print(f"the timelines of {count:,} people are cold: the next read of each rebuilds it")


async def _for_each(people: Everyone, total: int, work: Callable[[int], Awaitable[None]], at_once: int) -> int:
    done = 0
    with ProgressSteps() as steps:
        steps.step("timelines", total or None)
        async for page in people.pages():
            await side_by_side(page, work, at_once)
            done += len(page)
            steps.at(done)
    return done
