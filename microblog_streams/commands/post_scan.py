"""Compares the two rows of every post, its body and its row in the author index.

``verify --posts`` prints what is wrong; ``rebuild posts`` repairs it.
All bodies are read in turn, and of each author's index the rows of the same posts. No other check finds a post that
is in no list. It makes up to one request for each post.
"""

import json
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from microblog_streams.commands.common import ProgressBars, caught_up, connected
from microblog_streams.config.settings import Settings
from microblog_streams.operations.audit import PostRows, RowFinding, RowKind
from microblog_streams.stores.cassandra.connection import Cassandra
from microblog_streams.stores.cassandra.posts import Posts
from microblog_streams.stores.postgres.connection import Postgres
from microblog_streams.stores.redis.caches import PostCache
from microblog_streams.stores.redis.connection import Redis

#: Posts of one page. Each author among them is one read of the index, so it bounds the requests at a time.
PAGE_POSTS: Final = 500
#: Further comparisons of a post that looks wrong: see ``Audit.confirmed``.
REPEATS: Final = 2


@dataclass
class PostScan:
    """Compares posts. Counts them, and keeps what is wrong."""

    rows: PostRows
    #: Waits until all events of the moment are applied.
    wait_for_events: Callable[[], Awaitable[None]]
    #: Called with the number of posts done.
    progress: Callable[[int], None]
    checked: int = 0
    wrong: set[RowFinding] = field(default_factory=set)

    async def run(self) -> None:
        """Compare every post. What looks wrong is kept if it still does after all events of that moment are applied."""
        last = None
        while page := await self.rows.posts.scan(last, PAGE_POSTS):
            self.wrong |= await self.rows.compare(page)
            last = page[-1].id
            self.checked += len(page)
            self.progress(self.checked)
        for _ in range(REPEATS):
            if self.wrong:
                await self.wait_for_events()
                self.wrong = await self.rows.compare_again(self.wrong)


async def scan_posts(settings: Settings, repair: bool = False) -> PostScan:
    """Compare the rows of every post; with ``repair``, write those again that are wrong.

    Raises StoreUnavailable, SetupError; Conflict during a repartition.
    """
    postgres, cassandra, redis = Postgres(settings), Cassandra(settings), Redis(settings)
    rows = PostRows(Posts(cassandra), PostCache(redis))
    events = caught_up(settings, postgres)
    async with connected(postgres, cassandra, redis):
        with ProgressBars() as progress:
            progress.step("posts")

            async def wait_for_events() -> None:
                progress.step(f"{len(scan.wrong)} look wrong: waiting for events that are not applied yet")
                await events.wait_until_caught_up()

            scan = PostScan(rows, wait_for_events, progress.update)
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
