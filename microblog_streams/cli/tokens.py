"""One's tokens: what lets other machines and programs act as oneself."""

import click

from microblog_streams.cli.columns import TOKENS
from microblog_streams.cli.program import command
from microblog_streams.cli.session import Session


@click.group("tokens")
def tokens() -> None:
    """List and revoke your tokens."""


@command("list", tokens)
async def list_tokens(session: Session) -> None:
    """List your tokens."""
    async with session.reader() as client:
        session.output.rows(await client.tokens(), TOKENS)


@command("revoke", tokens)
@click.argument("token", type=click.IntRange(min=1), metavar="ID")
async def revoke(session: Session, token: int) -> None:
    """Make a token worthless, by its id."""
    async with session.reader() as client:
        await client.revoke(token)
    session.output.result({"id": token, "revoked": True}, f"Revoked token {token}.")


COMMANDS = (tokens,)
