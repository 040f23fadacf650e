"""The command ``verify``: compares timelines in Redis with what PostgreSQL and Cassandra say that they must hold.

Each timeline is compared once. Those that look wrong are compared again after all events of that moment are applied,
twice over: an event that is not applied yet is no error.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

import click
from faust import App
from faust.cli import option

from microblog_streams.commands import post_scan
from microblog_streams.commands.common import (
    ProgressBars,
    UserSelection,
    caught_up,
    connected,
    expected_failures,
    run_concurrently,
)
from microblog_streams.commands.post_scan import PostScan, scan_posts
from microblog_streams.config.settings import Settings
from microblog_streams.domain.errors import SetupError
from microblog_streams.operations.audit import NOTHING, Audit, Finding, FindingKind, Findings, PostRows, counted
from microblog_streams.operations.timelines.merge_read import MergeRead
from microblog_streams.stores.cassandra.connection import Cassandra
from microblog_streams.stores.cassandra.posts import Posts
from microblog_streams.stores.postgres.connection import Postgres
from microblog_streams.stores.postgres.follows import Follows
from microblog_streams.stores.postgres.users import Users
from microblog_streams.stores.redis.caches import PostCache
from microblog_streams.stores.redis.connection import Redis
from microblog_streams.stores.redis.timelines import Timelines

#: Exit status if something is wrong.
WRONG: Final = 1
#: Posts of each kind of finding that a line of text names.
NAMED_POSTS: Final = 3
#: Timelines that are compared at a time. Each comparison may read the posts of hundreds of authors.
CONCURRENCY: Final = 8
#: Further comparisons of a timeline that looks wrong.
REPEATS: Final = 2


def register(app: App, settings: Settings) -> None:
    """Add ``verify [--user ID ...] [--sample N] [--posts] [--json]`` to the app's commands."""

    @app.command(
        option("--user", "users", type=click.IntRange(1), multiple=True, help="Only this user; may be repeated."),
        option("--sample", type=click.IntRange(1), default=None, help="Only this many users, chosen at random."),
        option("--posts", is_flag=True, help="The two rows of every post, instead of timelines."),
        option("--json", "as_json", is_flag=True, help="As JSON, with all findings."),
    )
    async def verify(
        self: Any,  # noqa: ANN401
        users: tuple[int, ...],
        sample: int | None,
        posts: bool,
        as_json: bool,
    ) -> None:
        """Compare all timelines that are kept with the follows and posts that they are made of.

        The exit status is 1 if one is wrong. Events that are not applied yet are waited for. Nothing is changed.
        """
        with expected_failures():
            if posts and (users or sample):
                raise SetupError("verify --posts takes neither --user nor --sample: it compares all posts")
            scan = await scan_posts(settings) if posts else await _scan_timelines(settings, users, sample or 0)
        if isinstance(scan, PostScan):
            print(post_scan.as_json(scan) if as_json else post_scan.as_text(scan))
        else:
            print(_as_json(scan) if as_json else _as_text(scan))
        if scan.wrong:
            raise SystemExit(WRONG)


@dataclass
class TimelineScan:
    """Compares timelines. Counts those that were compared and those that are cold, and keeps what is wrong by user."""

    audit: Audit
    #: Waits until all events of the moment are applied.
    wait_for_events: Callable[[], Awaitable[None]]
    #: Called with the number of timelines done.
    progress: Callable[[int], None]
    checked: int = 0
    cold: int = 0
    wrong: dict[int, Findings] = field(default_factory=dict)

    async def run(self, pages: AsyncIterator[Sequence[int]]) -> None:
        """Compare the timelines of all users in the pages. Raises MicroblogError."""
        async for page in pages:
            await run_concurrently(page, self._compare, CONCURRENCY)
        for _ in range(REPEATS):
            if self.wrong:
                await self.wait_for_events()
                await run_concurrently(sorted(self.wrong), self._compare_again, CONCURRENCY)

    async def _compare(self, user: int) -> None:
        findings = await self.audit.compare(user)
        if findings is None:
            self.cold += 1
        else:
            self.checked += 1
            self._keep(user, findings)
        self.progress(self.checked + self.cold)

    async def _compare_again(self, user: int) -> None:
        self._keep(user, self.wrong[user] & (await self.audit.compare(user) or NOTHING))

    def _keep(self, user: int, findings: Findings) -> None:
        self.wrong.pop(user, None)
        if findings:
            self.wrong[user] = findings


async def _scan_timelines(settings: Settings, ids: tuple[int, ...], sample: int) -> TimelineScan:
    postgres, cassandra, redis = Postgres(settings), Cassandra(settings), Redis(settings)
    users, timelines, posts = Users(postgres), Timelines(redis), Posts(cassandra)
    audit = Audit(timelines, MergeRead(Follows(postgres), posts), users, PostRows(posts, PostCache(redis)))
    events = caught_up(settings, postgres)
    async with connected(postgres, cassandra, redis):
        with ProgressBars() as progress:
            progress.step("timelines", len(ids) or sample or await users.estimate() or None)

            async def wait_for_events() -> None:
                progress.step(f"{len(scan.wrong)} look wrong: waiting for events that are not applied yet")
                await events.wait_until_caught_up()

            scan = TimelineScan(audit, wait_for_events, progress.update)
            await scan.run(UserSelection(users, ids, sample).pages())
    return scan


def _as_text(scan: TimelineScan) -> str:
    lines = [f"user {user}: {_findings_as_text(findings)}" for user, findings in sorted(scan.wrong.items())]
    return "\n".join([*lines, ", ".join(f"{count:,} {name}" for name, count in _counts(scan).items())])


def _findings_as_text(findings: Findings) -> str:
    kinds = [(kind, sorted(found for found in findings if found.kind is kind)) for kind in FindingKind]
    return "; ".join(f"{len(found)} {kind} ({_named_posts(found)})" for kind, found in kinds if found)


def _named_posts(found: list[Finding]) -> str:
    named = [f"{each.post_id} by {each.author}" for each in islice(found, NAMED_POSTS)]
    return ", ".join([*named, *(["…"] if len(found) > NAMED_POSTS else [])])


def _as_json(scan: TimelineScan) -> str:
    wrong = [{"user": user, "findings": _listed(found)} for user, found in sorted(scan.wrong.items())]
    return json.dumps({**_counts(scan), "wrong": wrong})


def _listed(findings: Iterable[Finding]) -> list[dict[str, object]]:
    return [{"kind": each.kind, "postId": str(each.post_id), "author": each.author} for each in sorted(findings)]


def _counts(scan: TimelineScan) -> dict[str, int]:
    findings = [finding for found in scan.wrong.values() for finding in found]
    return {"checked": scan.checked, "cold": scan.cold, **counted(findings)}
