"""The command ``rebuild``: makes the followers tables, timelines or rows of posts anew from PostgreSQL and Cassandra.

``rebuild edges`` publishes every edge and every deletion of a user again, in pages, through the outbox. It waits
between pages while the outbox is full, so the events of users wait behind a bounded number of others. An edge is
published as it is when its page is read; a later change has an event with a higher version.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

import click
from faust import App
from faust.cli import argument, option

from microblog_streams.commands.common import (
    ProgressBars,
    UserSelection,
    caught_up,
    connected,
    expected_failures,
    run_concurrently,
)
from microblog_streams.commands.post_scan import as_text, scan_posts
from microblog_streams.config.settings import Settings
from microblog_streams.domain.errors import SetupError
from microblog_streams.domain.ids import PUBLIC
from microblog_streams.operations.timelines.merge_read import MergeRead
from microblog_streams.operations.timelines.rebuild import MAX_CONCURRENT_REBUILDS, Rebuild
from microblog_streams.ports import FollowStore, Progress
from microblog_streams.ports import Outbox as OutboxPort
from microblog_streams.stores.cassandra.connection import Cassandra
from microblog_streams.stores.cassandra.posts import Posts
from microblog_streams.stores.postgres.connection import Postgres
from microblog_streams.stores.postgres.deployment import EdgeAudits
from microblog_streams.stores.postgres.follows import Follows
from microblog_streams.stores.postgres.outbox import Outbox
from microblog_streams.stores.postgres.users import Users
from microblog_streams.stores.redis.connection import Redis
from microblog_streams.stores.redis.timelines import Timelines

#: Timelines that are removed at a time.
REMOVALS: Final = 32
#: Events of one page, hence of one transaction.
PAGE_EVENTS: Final = 2_000
#: No page is added while the outbox has this many events.
MAX_OUTBOX_EVENTS: Final = 4_000
#: Pause between counts of a full outbox.
POLL_SECONDS: Final = 0.2


def register(app: App, settings: Settings) -> None:
    """Add ``rebuild edges|timelines|posts|public [--user ID ...]`` to the app's commands."""

    @app.command(
        argument("what", type=click.Choice(["edges", "timelines", "posts", "public"])),
        option("--user", "users", type=click.IntRange(1), multiple=True, help="timelines: only this user's, at once."),
    )
    async def rebuild(self: Any, what: str, users: tuple[int, ...]) -> None:  # noqa: ANN401 -- Faust's own
        """Make the workers' edges, the timelines, or missing rows of posts anew, from PostgreSQL and Cassandra.

        The public timeline is made anew from Kafka.

        If it is interrupted, run it again.
        """
        with expected_failures():
            if what != "timelines" and users:
                raise SetupError(f"rebuild {what} takes no --user")
            if what == "edges":
                await _rebuild_edges(settings)
            elif what == "posts":
                await _rebuild_posts(settings)
            elif what == "public":
                await _remove_public(settings)
            elif users:
                await _rebuild_timelines(settings, users)
            else:
                await _remove_timelines(settings)


async def _rebuild_posts(settings: Settings) -> None:
    scan = await scan_posts(settings, repair=True)
    print(as_text(scan))
    print(f"{len(scan.wrong):,} posts are written again; timelines that lack them are found by `verify`")


async def _rebuild_edges(settings: Settings) -> None:
    """Republish all edges and deletions, have the workers compare their tables, and wait until all of it is applied."""
    postgres = Postgres(settings)
    follows, outbox = Follows(postgres), Outbox(postgres)
    events = caught_up(settings, postgres)
    async with connected(postgres):
        await events.check()
        with ProgressBars() as progress:
            republisher = EdgeRepublisher(follows, Users(postgres), outbox, progress)
            edges = await republisher.edges(await follows.estimate() or None)
            deleted = await republisher.deletions()
            await EdgeAudits(postgres).ask()
            progress.step("waiting for the workers to compare their tables")
            await events.wait()
    print(f"{edges:,} edges and {deleted:,} deleted users are in the workers' tables")


async def _rebuild_timelines(settings: Settings, ids: tuple[int, ...]) -> None:
    postgres, cassandra, redis = Postgres(settings), Cassandra(settings), Redis(settings)
    timelines = Timelines(redis)
    rebuild = Rebuild(timelines, MergeRead(Follows(postgres), Posts(cassandra)))

    async def rebuild_one(user: int) -> None:
        await timelines.remove(user)
        await rebuild.warm(user)

    async with connected(postgres, cassandra, redis):
        count = await _for_each(UserSelection(Users(postgres), ids), len(ids), rebuild_one, MAX_CONCURRENT_REBUILDS)
    print(f"{count:,} timelines are rebuilt")


async def _remove_public(settings: Settings) -> None:
    redis = Redis(settings)
    async with connected(redis):
        await Timelines(redis).remove(PUBLIC)
    print("the public timeline is cold: its next read rebuilds it")


async def _remove_timelines(settings: Settings) -> None:
    postgres, redis = Postgres(settings), Redis(settings)
    users = Users(postgres)
    async with connected(postgres, redis):
        await Timelines(redis).remove(PUBLIC)
        count = await _for_each(UserSelection(users), await users.estimate(), Timelines(redis).remove, REMOVALS)
    print(f"the timelines of {count:,} users are cold: the next read of each rebuilds it")


async def _for_each(users: UserSelection, total: int, work: Callable[[int], Awaitable[None]], concurrency: int) -> int:
    done = 0
    with ProgressBars() as progress:
        progress.step("timelines", total or None)
        async for page in users.pages():
            await run_concurrently(page, work, concurrency)
            done += len(page)
            progress.update(done)
    return done


class DeletedUsers(Protocol):
    """The part of ``stores.postgres.users.Users`` that ``EdgeRepublisher`` needs."""

    async def republish_deleted(self, after: int, limit: int) -> Sequence[tuple[int, datetime]]:
        """Publish the events of a page of deleted users again; return the page."""
        ...


@dataclass(frozen=True)
class EdgeRepublisher:
    """Publishes all edges and deletions again. Methods raise StoreUnavailable, and may be repeated."""

    follows: FollowStore
    users: DeletedUsers
    outbox: OutboxPort
    progress: Progress

    async def edges(self, total: int | None = None) -> int:
        """Publish every edge, also those that were undone; return their number."""
        self.progress.step("edges", total)
        done, last = 0, (0, 0)
        await self._wait_for_outbox()
        while page := await self.follows.republish_page(last, PAGE_EVENTS):
            last = (page[-1].followee, page[-1].follower)
            done += len(page)
            self.progress.update(done)
            await self._wait_for_outbox()
        return done

    async def deletions(self) -> int:
        """Publish every deletion of a user; return their number."""
        self.progress.step("deleted users")
        done, last = 0, 0
        await self._wait_for_outbox()
        while page := await self.users.republish_deleted(last, PAGE_EVENTS):
            last = page[-1][0]
            done += len(page)
            self.progress.update(done)
            await self._wait_for_outbox()
        return done

    async def _wait_for_outbox(self) -> None:
        while True:
            if await self.outbox.count(MAX_OUTBOX_EVENTS) < MAX_OUTBOX_EVENTS:
                return
            await asyncio.sleep(POLL_SECONDS)
