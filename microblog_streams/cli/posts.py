"""Writing and deleting posts, and what somebody wrote."""

from uuid import UUID

import click

from microblog_streams.cli.columns import POSTS
from microblog_streams.cli.program import command
from microblog_streams.cli.progress import collect, limited, page_size
from microblog_streams.cli.session import Session


@command("post")
@click.argument("text")
async def post(session: Session, text: str) -> None:
    """Write a post; TEXT is - to read it from stdin."""
    content = _stdin().rstrip("\n") if text == "-" else text
    async with session.actor() as client:
        written = await client.post(content)
    session.output.result(written, f"Posted {written.post_id}.")


def _stdin() -> str:
    """Return what stdin holds, without the mark that some editors put before UTF-8. Raises ClickException."""
    content: bytes = click.get_binary_stream("stdin").read()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise click.ClickException(
            f"stdin is not UTF-8 text: byte {exc.start + 1} is 0x{content[exc.start]:02x}"
        ) from None


@command("delete")
@click.argument("post_id", type=click.UUID)
async def delete(session: Session, post_id: UUID) -> None:
    """Delete a post."""
    async with session.actor() as client:
        await client.delete_post(post_id)
    session.output.result({"postId": str(post_id), "deleted": True}, f"Deleted {post_id}.")


@command("posts")
@click.argument("who", metavar="[NAME|ID]", required=False)
@limited
async def posts(session: Session, who: str | None, limit: int | None) -> None:
    """List what somebody wrote, or you did, newest first."""
    async with session.about(who) as (client, user):
        session.output.rows(await collect(client.posts(user, page_size(limit)), limit, "posts"), POSTS)


COMMANDS = (post, delete, posts)
