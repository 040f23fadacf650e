"""The command ``search``: fills the search index anew from the stores, or compares it with them and repairs it."""

from typing import Any

import click
from faust import App
from faust.cli import argument, option

from microblog_streams.commands.common import ProgressBars, caught_up, connected, expected_failures
from microblog_streams.config.settings import Settings
from microblog_streams.domain.errors import SearchOff
from microblog_streams.search.compare import Comparison
from microblog_streams.search.documents import Kind
from microblog_streams.search.engine import Engine
from microblog_streams.search.engine_index import EngineIndex, PreparedIndex
from microblog_streams.search.rebuild import Rebuild, Sources
from microblog_streams.stores.cassandra.connection import Cassandra
from microblog_streams.stores.cassandra.posts import Posts
from microblog_streams.stores.postgres.connection import Postgres
from microblog_streams.stores.postgres.profiles import Profiles
from microblog_streams.stores.postgres.users import Users

#: Exit status if something was wrong.
WRONG = 1


def register(app: App, settings: Settings) -> None:
    """Add ``search reindex|verify`` to the app's commands."""

    @app.command(
        argument("what", type=click.Choice(["reindex", "verify"])),
        option("--rate", type=click.IntRange(1), default=None, help="reindex: at most so many documents a second."),
        option("--keep", is_flag=True, help="reindex: keep the old indices."),
        option("--check", is_flag=True, help="verify: change nothing."),
    )
    async def search(self: Any, what: str, rate: int | None, keep: bool, check: bool) -> None:  # noqa: ANN401
        """Fill a new search index from the stores and switch to it, or compare the index with them and repair it.

        Events go on flowing. If it is interrupted, run it again: a new index goes on where it was. The exit status of
        `verify` is 1 if something was wrong.
        """
        with expected_failures():
            if not settings.has_search:
                raise SearchOff
            if what == "reindex":
                await _reindex(settings, rate or 0, keep)
            elif await _verify(settings, repair=not check):
                raise SystemExit(WRONG)


async def _reindex(settings: Settings, rate: int, keep: bool) -> None:
    postgres, cassandra, engine = Postgres(settings), Cassandra(settings), Engine(settings, required=True)
    index, users = EngineIndex(engine, settings.search_prefix), Users(postgres)
    async with connected(postgres, cassandra, PreparedIndex(engine, index)):
        with ProgressBars() as progress:
            sources = Sources(Posts(cassandra), users, Profiles(postgres))
            rebuild = Rebuild(index, sources, progress, caught_up(settings, postgres).wait, rate)
            people = await rebuild.run(Kind.USERS, keep, await users.estimate() or None)
            posts = await rebuild.run(Kind.POSTS, keep)
    print(f"{posts:,} posts and {people:,} users are in new indices")


async def _verify(settings: Settings, repair: bool) -> bool:
    postgres, cassandra, engine = Postgres(settings), Cassandra(settings), Engine(settings, required=True)
    index, users = EngineIndex(engine, settings.search_prefix), Users(postgres)
    async with connected(postgres, cassandra, engine):
        with ProgressBars() as progress:
            comparison = Comparison(index, Sources(Posts(cassandra), users, Profiles(postgres)), progress)
            await comparison.run(Kind.USERS, await users.estimate() or None)
            await comparison.run(Kind.POSTS)
            if repair:
                await comparison.repair()
    for (kind, ident), wanted in sorted(comparison.wrong.items(), key=lambda found: found[0]):
        what = "missing or old in the index" if wanted.fields else "in the index alone"
        print(f"{kind}: {ident} {what}{', written again' if repair else ''}")
    checked = comparison.checked
    print(
        f"{checked[Kind.POSTS]:,} posts and {checked[Kind.USERS]:,} users compared, {len(comparison.wrong):,} differed"
    )
    return bool(comparison.wrong)
