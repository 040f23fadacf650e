"""Compares the two rows of every post, its body and its row in the author index.

``verify --posts`` prints what is wrong; ``rebuild posts`` repairs it.
All bodies are read in turn, and of each author's index the rows of the same posts. No other check finds a post that
is in no list. Then the index of every user is read, and the bodies of its posts once more: so a post without a body is
found. Each half makes up to one request for each post.
"""

import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from microblog_streams.commands.common import ProgressBars, UserSelection, caught_up, connected, run_concurrently
from microblog_streams.config.settings import Settings
from microblog_streams.operations.audit import PostRows, RowFinding, RowKind
from microblog_streams.ports import Progress
from microblog_streams.stores.cassandra.connection import Cassandra
from microblog_streams.stores.cassandra.posts import Posts
from microblog_streams.stores.postgres.connection import Postgres
from microblog_streams.stores.postgres.users import Users
from microblog_streams.stores.redis.caches import PostCache
from microblog_streams.stores.redis.connection import Redis

#: Posts of one page. Each author among them is one read of the index, so it bounds the requests at a time.
PAGE_POSTS: Final = 500
#: Authors whose indexes are read at a time.
AUTHORS: Final = 16
#: Further comparisons of a post that looks wrong: see ``Audit.confirmed``.
REPEATS: Final = 2


@dataclass
class PostScan:
    """Compares posts. Counts them, and keeps what is wrong."""

    rows: PostRows
    #: Waits until all events of the moment are applied.
    wait_for_events: Callable[[], Awaitable[None]]
    progress: Progress
    #: Yields the ids of all users, in pages.
    authors: Callable[[], AsyncIterator[Sequence[int]]]
    checked: int = 0
    wrong: set[RowFinding] = field(default_factory=set)

    async def run(self) -> None:
        """Compare every post. What looks wrong is kept if it still does after all events of that moment are applied."""
        await self._compare_bodies()
        await self._compare_indexes()
        for _ in range(REPEATS):
            if self.wrong:
                self.progress.step(f"{len(self.wrong)} look wrong: waiting for events that are not applied yet")
                await self.wait_for_events()
                self.wrong = await self.rows.compare_again(self.wrong)

    async def _compare_bodies(self) -> None:
        self.progress.step("posts")
        last = None
        while page := await self.rows.posts.scan(last, PAGE_POSTS):
            self.wrong |= await self.rows.compare(page)
            last = page[-1].id
            self.checked += len(page)
            self.progress.update(self.checked)

    async def _compare_indexes(self) -> None:
        self.progress.step("authors")
        done = 0

        async def compare(author: int) -> None:
            found = await self.rows.textless(author)
            self.wrong |= found

        async for page in self.authors():
            await run_concurrently(page, compare, AUTHORS)
            done += len(page)
            self.progress.update(done)


async def scan_posts(settings: Settings, repair: bool = False) -> PostScan:
    """Compare the rows of every post; with ``repair``, write those again that are wrong.

    Raises StoreUnavailable, SetupError; Conflict during a repartition.
    """
    postgres, cassandra, redis = Postgres(settings), Cassandra(settings), Redis(settings)
    rows = PostRows(Posts(cassandra), PostCache(redis))
    events = caught_up(settings, postgres)
    async with connected(postgres, cassandra, redis):
        with ProgressBars() as progress:
            authors = UserSelection(Users(postgres)).pages
            scan = PostScan(rows, events.wait_until_caught_up, progress, authors)
            await scan.run()
            if repair:
                progress.step(f"writing {len(scan.wrong)} again")
                await rows.repair(scan.wrong)
    return scan


def as_text(scan: PostScan) -> str:
    """Return a line for each post whose rows differ, and a line with the counts."""
    lines = [f"post {each.post_id} by {each.author}: {each.kind}" for each in sorted(scan.wrong)]
    return "\n".join([*lines, ", ".join(f"{count:,} {name}" for name, count in _counts(scan).items())])


def as_json(scan: PostScan) -> str:
    """Return the same as one JSON object."""
    wrong = [{"kind": each.kind, "postId": str(each.post_id), "author": each.author} for each in sorted(scan.wrong)]
    return json.dumps({**_counts(scan), "wrong": wrong})


def _counts(scan: PostScan) -> dict[str, int]:
    counts = Counter(each.kind for each in scan.wrong)
    return {"checked": scan.checked, **{kind.value: counts[kind] for kind in RowKind}}
