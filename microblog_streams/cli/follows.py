"""Following and blocking, and who does so."""

import click

from microblog_streams.cli.columns import USERS
from microblog_streams.cli.program import command
from microblog_streams.cli.progress import collect, limited, page_size
from microblog_streams.cli.session import Session, somebody


@command("follow")
@click.argument("who", metavar="NAME|ID")
async def follow(session: Session, who: str) -> None:
    """Follow somebody."""
    async with session.actor() as client:
        user = await somebody(client, who)
        session.output.result(await client.follow(user.id), f"You follow {user.username}.")


@command("unfollow")
@click.argument("who", metavar="NAME|ID")
async def unfollow(session: Session, who: str) -> None:
    """Follow somebody no longer."""
    async with session.actor() as client:
        user = await somebody(client, who)
        session.output.result(await client.unfollow(user.id), f"You do not follow {user.username}.")


@command("block")
@click.argument("who", metavar="NAME|ID")
async def block(session: Session, who: str) -> None:
    """Block somebody: neither of you follows the other any more, nor can."""
    async with session.actor() as client:
        user = await somebody(client, who)
        session.output.result(await client.block(user.id), f"You block {user.username}.")


@command("unblock")
@click.argument("who", metavar="NAME|ID")
async def unblock(session: Session, who: str) -> None:
    """Block somebody no longer."""
    async with session.actor() as client:
        user = await somebody(client, who)
        session.output.result(await client.unblock(user.id), f"You do not block {user.username}.")


@command("blocks")
@limited
async def blocks(session: Session, limit: int | None) -> None:
    """List whom you block."""
    async with session.actor() as client:
        session.output.rows(await collect(client.blocks(page_size(limit)), limit, "people"), USERS)


@command("followers")
@click.argument("who", metavar="[NAME|ID]", required=False)
@limited
async def followers(session: Session, who: str | None, limit: int | None) -> None:
    """List who follows somebody, or you."""
    async with session.about(who) as (client, user):
        session.output.rows(await collect(client.followers(user, page_size(limit)), limit, "people"), USERS)


@command("followees")
@click.argument("who", metavar="[NAME|ID]", required=False)
@limited
async def followees(session: Session, who: str | None, limit: int | None) -> None:
    """List whom somebody follows, or you do."""
    async with session.about(who) as (client, user):
        session.output.rows(await collect(client.followees(user, page_size(limit)), limit, "people"), USERS)


COMMANDS = (follow, unfollow, block, unblock, blocks, followers, followees)
