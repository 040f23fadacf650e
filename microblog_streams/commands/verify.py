"""The command ``verify``: compares people's kept timelines with what PostgreSQL and Cassandra say that they hold."""

import json
from collections.abc import Iterable
from itertools import islice
from typing import Any, Final

import click
from faust import App
from faust.cli import option

from microblog_streams.commands.connected import connected
from microblog_streams.commands.everyone import Everyone
from microblog_streams.commands.exit_codes import expected_failures
from microblog_streams.commands.inspection import Inspection
from microblog_streams.commands.post_scan import PostScan, rows_as_json, rows_as_text, scanned
from microblog_streams.commands.progress_bar import ProgressSteps
from microblog_streams.config.settings import Settings
from microblog_streams.domain.errors import SetupError
from microblog_streams.kafka.consumer_lag import offsets
from microblog_streams.operations.post_rows import PostRows
from microblog_streams.operations.timelines.audit import Audit, Finding, Findings, Kind, counted
from microblog_streams.operations.timelines.merge_read import History
from microblog_streams.services.caught_up import CaughtUp
from microblog_streams.stores.cassandra.connection import Cassandra
from microblog_streams.stores.cassandra.posts import Posts
from microblog_streams.stores.postgres.connection import Postgres
from microblog_streams.stores.postgres.deployment import EdgeAudits, get_deployment
from microblog_streams.stores.postgres.follows import Follows
from microblog_streams.stores.postgres.outbox import Outbox
from microblog_streams.stores.postgres.users import Users
from microblog_streams.stores.redis.caches import PostCache
from microblog_streams.stores.redis.connection import Redis
from microblog_streams.stores.redis.timelines import Timelines

#: Exit status where something is wrong.
WRONG: Final = 1
#: Posts that a line names, of each kind.
NAMED: Final = 3


def register(app: App, settings: Settings) -> None:
    """Add ``verify [--user ID ...] [--sample N] [--posts] [--json]`` to the app's commands."""

    @app.command(
        option("--user", "users", type=click.IntRange(1), multiple=True, help="This person; may be given again."),
        option("--sample", type=click.IntRange(1), default=None, help="So many people, drawn at random."),
        option("--posts", is_flag=True, help="Every post's two rows, in place of timelines."),
        option("--json", "as_json", is_flag=True, help="As JSON, with all that was found."),
    )
    async def verify(
        self: Any,  # noqa: ANN401
        users: tuple[int, ...],
        sample: int | None,
        posts: bool,
        as_json: bool,
    ) -> None:
        """Compare everyone's timelines, as they are kept, with who follows whom and who wrote what.

        Exit status 1 where one is wrong. What is only on its way is waited for. Nothing is changed.
        """
        with expected_failures():
            if posts and (users or sample):
                raise SetupError("verify --posts takes neither --user nor --sample: it is about all posts")
            seen = await scanned(settings) if posts else await _inspect(settings, users, sample or 0)
        if isinstance(seen, PostScan):
            print(rows_as_json(seen) if as_json else rows_as_text(seen))
        else:
            print(_as_json(seen) if as_json else _as_text(seen))
        if seen.wrong:
            raise SystemExit(WRONG)


async def _inspect(settings: Settings, named: tuple[int, ...], sample: int) -> Inspection:
    postgres, cassandra, redis = Postgres(settings), Cassandra(settings), Redis(settings)
    users, timelines = Users(postgres), Timelines(redis)
    posts = Posts(cassandra)
    audit = Audit(timelines, History(Follows(postgres), posts), users, PostRows(posts, PostCache(redis)))
    audits = EdgeAudits(postgres)
    caught_up = CaughtUp(Outbox(postgres), lambda: get_deployment(postgres), lambda: offsets(settings), audits.complete)
    async with connected(postgres, cassandra, redis):
        with ProgressSteps() as steps:
            steps.step("timelines", len(named) or sample or await users.estimate() or None)

            async def settle() -> None:
                steps.step(f"{len(inspection.wrong)} look wrong: waiting for what is on its way")
                await caught_up.settle()

            inspection = Inspection(audit, settle, steps.at)
            await inspection.run(Everyone(users, named, sample).pages())
    return inspection


def _as_text(inspection: Inspection) -> str:
    lines = [f"user {user}: {_in_words(findings)}" for user, findings in sorted(inspection.wrong.items())]
    return "\n".join([*lines, ", ".join(f"{count:,} {name}" for name, count in _summary(inspection).items())])


def _in_words(findings: Findings) -> str:
    kinds = [(kind, sorted(found for found in findings if found.kind is kind)) for kind in Kind]
    return "; ".join(f"{len(found)} {kind} ({_named(found)})" for kind, found in kinds if found)


def _named(found: list[Finding]) -> str:
    named = [f"{each.post_id} by {each.author}" for each in islice(found, NAMED)]
    return ", ".join([*named, *(["…"] if len(found) > NAMED else [])])


def _as_json(inspection: Inspection) -> str:
    wrong = [{"user": user, "findings": _listed(found)} for user, found in sorted(inspection.wrong.items())]
    return json.dumps({**_summary(inspection), "wrong": wrong})


def _listed(findings: Iterable[Finding]) -> list[dict[str, object]]:
    return [{"kind": each.kind, "postId": str(each.post_id), "author": each.author} for each in sorted(findings)]


def _summary(inspection: Inspection) -> dict[str, int]:
    every = [finding for findings in inspection.wrong.values() for finding in findings]
    return {"checked": inspection.checked, "cold": inspection.cold, **counted(every)}
