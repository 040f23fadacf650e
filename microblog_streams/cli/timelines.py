"""Reading and watching one's home timeline."""

from contextlib import aclosing

import click

from microblog_streams.cli.columns import POSTS
from microblog_streams.cli.program import command
from microblog_streams.cli.progress import collect, limited, page_size
from microblog_streams.cli.session import Session
from microblog_streams.cli.terminal import one_line
from microblog_streams.client import ClientError


@command("timeline")
@limited
async def timeline(session: Session, limit: int | None) -> None:
    """Show your home timeline: what you and everybody whom you follow wrote, newest first."""
    async with session.actor() as client:
        session.output.rows(await collect(client.timeline(page_size=page_size(limit)), limit, "posts"), POSTS)


@command("watch")
@click.option("--every", type=click.FloatRange(min=0.5), default=5.0, show_default=True, help="Seconds between looks.")
@click.option("--count", type=click.IntRange(min=1), help="End after so many posts.")
async def watch(session: Session, every: float, count: int | None) -> None:
    """Show what is new on your home timeline, until Ctrl-C. With --json, one document a line."""
    async with session.actor() as client, aclosing(client.watch(every=every, trouble=_tell)) as news:
        shown = 0
        async for post in news:
            session.output.event(post, POSTS)
            shown += 1
            if shown == count:
                return


def _tell(error: ClientError) -> None:
    click.echo(f"Still watching: {one_line(str(error))}", err=True)


COMMANDS = (timeline, watch)
