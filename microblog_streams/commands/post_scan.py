"""Comparing the two rows of every post: all texts in turn, and of each author's index those rows that belong to them.

It is the only look that finds a post which is on no list. It reads every text once, and makes up to a request a post.
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from microblog_streams.commands.connected import connected
from microblog_streams.commands.progress_bar import ProgressSteps
from microblog_streams.config.settings import Settings
from microblog_streams.kafka.consumer_lag import offsets
from microblog_streams.operations.post_rows import PostRows, RowFinding, RowKind
from microblog_streams.operations.timelines.audit import Settle
from microblog_streams.services.caught_up import CaughtUp
from microblog_streams.stores.cassandra.connection import Cassandra
from microblog_streams.stores.cassandra.posts import Posts
from microblog_streams.stores.postgres.connection import Postgres
from microblog_streams.stores.postgres.deployment import EdgeAudits, get_deployment
from microblog_streams.stores.postgres.outbox import Outbox
from microblog_streams.stores.redis.caches import PostCache
from microblog_streams.stores.redis.connection import Redis

#: Posts of one part: each author among them is a read of the index, so about as many requests at a time, at most.
PART: Final = 500
#: Looks at a suspect after the first: see ``Audit.confirmed``.
AGAIN: Final = 2


@dataclass
class PostScan:
    """What was seen: how many posts were compared, and what is wrong."""

    rows: PostRows
    settle: Settle
    #: Told how many posts are done.
    progress: Callable[[int], None]
    checked: int = 0
    wrong: set[RowFinding] = field(default_factory=set)

    async def run(self) -> None:
        """Compare every post; what looks wrong counts if it still does when nothing of that moment is under way."""
        last = None
        while part := await self.rows.posts.scan(last, PART):
            self.wrong |= await self.rows.look(part)
            last = part[-1].id
            self.checked += len(part)
            self.progress(self.checked)
        for _ in range(AGAIN):
            if self.wrong:
                await self.settle()
                self.wrong = await self.rows.look_again(self.wrong)


async def scanned(settings: Settings, mend: bool = False) -> PostScan:
    """Compare every post's rows on a deployment's stores; ``mend``: and write those again that are wrong.

    Raises StoreUnavailable, SetupError; Conflict while partitions are grown.
    """
    postgres, cassandra, redis = Postgres(settings), Cassandra(settings), Redis(settings)
    rows = PostRows(Posts(cassandra), PostCache(redis))
    caught_up = CaughtUp(
        Outbox(postgres), lambda: get_deployment(postgres), lambda: offsets(settings), EdgeAudits(postgres).complete
    )
    async with connected(postgres, cassandra, redis):
        with ProgressSteps() as steps:
            steps.step("posts")

            async def settle() -> None:
                steps.step(f"{len(scan.wrong)} look wrong: waiting for what is on its way")
                await caught_up.settle()

            scan = PostScan(rows, settle, steps.at)
            await scan.run()
            if mend:
                steps.step(f"writing {len(scan.wrong)} again")
                await rows.mend(scan.wrong)
    return scan


def rows_as_text(scan: PostScan) -> str:
    """Return a line for each post whose rows do not agree, and one with the counts."""
    lines = [f"post {each.post_id} by {each.author}: {each.kind}" for each in sorted(scan.wrong)]
    return "\n".join([*lines, ", ".join(f"{count:,} {name}" for name, count in _counts(scan).items())])


def rows_as_json(scan: PostScan) -> str:
    """Return the same as one object."""
    wrong = [{"kind": each.kind, "postId": str(each.post_id), "author": each.author} for each in sorted(scan.wrong)]
    return json.dumps({**_counts(scan), "wrong": wrong})


def _counts(scan: PostScan) -> dict[str, int]:
    counts = Counter(each.kind for each in scan.wrong)
    return {"checked": scan.checked, **{kind.value: counts[kind] for kind in RowKind}}
