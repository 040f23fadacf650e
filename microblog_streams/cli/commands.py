"""Every command of ``microblog``, in the order of the API: accounts, tokens, follows and blocks, posts, timelines."""

import socket
from collections.abc import Sequence
from contextlib import aclosing, suppress
from typing import Final
from uuid import UUID

import click

from microblog_streams.cli.credentials import Account
from microblog_streams.cli.output import POST_COLUMNS, PROFILE_FIELDS, TOKEN_COLUMNS, USER_COLUMNS, one_line
from microblog_streams.cli.program import Session, collect, command, find_user, limited, page_size
from microblog_streams.client import ClientError, NotFound, Unauthenticated


@command("register")
@click.argument("username", metavar="NAME")
@click.option("--password-prompt", is_flag=True, help="Ask for a password, with which you can log in elsewhere.")
async def register(session: Session, username: str, password_prompt: bool) -> None:
    """Register the user NAME, and act as this user from now on."""
    password = _ask_password(confirm=True) if password_prompt else None
    async with session.anonymous() as client:
        new = await client.register(username, password)
    session.save(Account(username=new.user.username, user=new.user.id, token=new.token))
    session.output.result(new.user, f"Registered {new.user.username} (id {new.user.id}).")


@command("login")
@click.argument("username", metavar="NAME")
@click.option(
    "--token-name",
    default=socket.gethostname,
    show_default="this machine's name",
    help="Name of the new token in your list of tokens.",
)
async def login(session: Session, username: str, token_name: str) -> None:
    """Log in as NAME with a password, and act as this user from now on."""
    password = _ask_password()
    async with session.anonymous() as client:
        token = await client.sign_in(username, password, token_name)
        user = await client.user(token.user_id)
    session.save(Account(username=user.username, user=user.id, token=token.token, token_id=token.id))
    session.output.result(user, f"Signed in as {user.username} (id {user.id}).")


@command("logout")
async def logout(session: Session) -> None:
    """Log out: remove the token from this machine, and revoke it if it came from a login."""
    account = await session.find_account()
    if account is None:
        who = f"{session.name} is" if session.name else "you are"
        raise click.ClickException(f"{who} not signed in at {session.url}")
    if account.token is not None and account.token_id is not None:
        async with session.reader() as client:
            with suppress(NotFound, Unauthenticated):  # the token is revoked or expired already
                await client.revoke(account.token_id)
    session.remove(account)
    session.output.result({"username": account.username, "id": account.user}, f"Signed out {account.username}.")


@command("whoami")
async def whoami(session: Session) -> None:
    """Show the current user and the server."""
    async with session.actor() as client:
        user = await client.user(client.me)
    session.output.result(user, f"{user.username} (id {user.id}) at {session.url}")


def _ask_password(confirm: bool = False) -> str:
    """Ask on stderr: stdout is for results."""
    answer: str = click.prompt("Password", hide_input=True, confirmation_prompt=confirm, err=True)
    return answer


@click.group("tokens")
def tokens() -> None:
    """List and revoke your tokens."""


@command("list", tokens)
async def list_tokens(session: Session) -> None:
    """List your tokens."""
    async with session.reader() as client:
        session.output.rows(await client.tokens(), TOKEN_COLUMNS)


@command("revoke", tokens)
@click.argument("token", type=click.IntRange(min=1), metavar="ID")
async def revoke(session: Session, token: int) -> None:
    """Revoke a token by its id."""
    async with session.reader() as client:
        await client.revoke(token)
    session.output.result({"id": token, "revoked": True}, f"Revoked token {token}.")


@command("follow")
@click.argument("who", metavar="NAME|ID")
async def follow(session: Session, who: str) -> None:
    """Follow a user."""
    async with session.actor() as client:
        user = await find_user(client, who)
        session.output.result(await client.follow(user.id), f"You follow {user.username}.")


@command("unfollow")
@click.argument("who", metavar="NAME|ID")
async def unfollow(session: Session, who: str) -> None:
    """Stop following a user."""
    async with session.actor() as client:
        user = await find_user(client, who)
        session.output.result(await client.unfollow(user.id), f"You do not follow {user.username}.")


@command("block")
@click.argument("who", metavar="NAME|ID")
async def block(session: Session, who: str) -> None:
    """Block a user: neither of you follows the other any more, nor can."""
    async with session.actor() as client:
        user = await find_user(client, who)
        session.output.result(await client.block(user.id), f"You block {user.username}.")


@command("unblock")
@click.argument("who", metavar="NAME|ID")
async def unblock(session: Session, who: str) -> None:
    """Stop blocking a user."""
    async with session.actor() as client:
        user = await find_user(client, who)
        session.output.result(await client.unblock(user.id), f"You do not block {user.username}.")


@command("blocks")
@limited
async def blocks(session: Session, limit: int | None) -> None:
    """List the users whom you block."""
    async with session.actor() as client:
        session.output.rows(await collect(client.blocks(page_size(limit)), limit, "users"), USER_COLUMNS)


@command("profile")
@click.argument("who", metavar="[NAME|ID]", required=False)
@click.option("--display-name", metavar="TEXT", help="Change the name that is shown beside your username.")
@click.option("--note", metavar="TEXT", help="Change what you say of yourself.")
@click.option("--link", "links", metavar="URL", multiple=True, help="Replace your links; repeat it for several.")
@click.option("--no-links", is_flag=True, help="Remove your links.")
async def profile(
    session: Session,
    who: str | None,
    display_name: str | None,
    note: str | None,
    links: tuple[str, ...],
    no_links: bool,
) -> None:
    """Show the page of a user, by default yours, or change yours."""
    new_links = links if links or no_links else None
    if (display_name, note, new_links) == (None, None, None):
        async with session.about(who) as (client, user):
            session.output.page(await client.profile(user), PROFILE_FIELDS)
    elif who is not None:
        raise click.UsageError("only your own profile can be changed: leave NAME out")
    else:
        async with session.actor() as client:
            session.output.page(await client.change_profile(display_name, note, new_links), PROFILE_FIELDS)


@command("followers")
@click.argument("who", metavar="[NAME|ID]", required=False)
@limited
async def followers(session: Session, who: str | None, limit: int | None) -> None:
    """List the followers of a user, by default yours."""
    async with session.about(who) as (client, user):
        session.output.rows(await collect(client.followers(user, page_size(limit)), limit, "users"), USER_COLUMNS)


@command("followees")
@click.argument("who", metavar="[NAME|ID]", required=False)
@limited
async def followees(session: Session, who: str | None, limit: int | None) -> None:
    """List the users whom a user follows, by default you."""
    async with session.about(who) as (client, user):
        session.output.rows(await collect(client.followees(user, page_size(limit)), limit, "users"), USER_COLUMNS)


@command("post")
@click.argument("text")
async def post(session: Session, text: str) -> None:
    """Write a post. If TEXT is -, it is read from stdin."""
    content = _read_stdin().rstrip("\n") if text == "-" else text
    async with session.actor() as client:
        written = await client.post(content)
    session.output.result(written, f"Posted {written.post_id}.")


def _read_stdin() -> str:
    """Return stdin as text, without a byte order mark. Raises ClickException if it is not UTF-8."""
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
    """List the posts of a user, by default yours, newest first."""
    async with session.about(who) as (client, user):
        session.output.rows(await collect(client.posts(user, page_size(limit)), limit, "posts"), POST_COLUMNS)


@command("timeline")
@click.option("--public", is_flag=True, help="The newest posts of everybody.")
@limited
async def timeline(session: Session, public: bool, limit: int | None) -> None:
    """Show your home timeline: your posts and those of the users whom you follow, newest first."""
    async with session.reader() if public else session.actor() as client:
        size = page_size(limit)
        posts = client.public_timeline(size) if public else client.timeline(page_size=size)
        session.output.rows(await collect(posts, limit, "posts"), POST_COLUMNS)


@command("search")
@click.argument("query", nargs=-1, required=True)
@click.option("--best", is_flag=True, help="The best matches first, not the newest.")
@click.option("--users", "of_users", is_flag=True, help="Users by their names, not posts.")
@limited
async def search(session: Session, query: Sequence[str], best: bool, of_users: bool, limit: int | None) -> None:
    """Find posts: words, "phrases", #tags, @names, from:NAME, after:DATE, before:DATE; - in front excludes.

    Put -- before a query that begins with a dash.
    """
    text = " ".join(query)
    async with session.reader() as client:
        if of_users:
            users = client.search_users(text, page_size(limit))
            session.output.rows(await collect(users, limit, "users"), USER_COLUMNS)
        else:
            found = client.search(text, "best" if best else "newest", page_size(limit))
            session.output.rows(await collect(found, limit, "posts"), POST_COLUMNS)


@command("watch")
@click.option("--public", is_flag=True, help="The posts of everybody.")
@click.option(
    "--every",
    type=click.FloatRange(min=0.5),
    default=5.0,
    show_default=True,
    help="Seconds between polls of a server without live timelines.",
)
@click.option("--count", type=click.IntRange(min=1), help="Stop after this number of posts.")
async def watch(session: Session, public: bool, every: float, count: int | None) -> None:
    """Show new posts on your home timeline as they arrive, until Ctrl-C. With --json, one document a line."""
    async with session.reader() if public else session.actor() as client:
        watching = client.watch(every=every, trouble=_report_error, public=public, reset=_report_reset)
        async with aclosing(watching) as new_posts:
            shown = 0
            async for new_post in new_posts:
                session.output.event(new_post, POST_COLUMNS)
                shown += 1
                if shown == count:
                    return


def _report_reset(new: int) -> None:
    """Say that the stream has a gap, and how it was closed."""
    click.echo(f"The stream began anew: the newest posts were looked through, {new} are new", err=True)


def _report_error(error: ClientError) -> None:
    click.echo(f"Still watching: {one_line(str(error))}", err=True)


COMMANDS: Final[tuple[click.Command, ...]] = (
    register,
    login,
    logout,
    whoami,
    tokens,
    follow,
    unfollow,
    block,
    unblock,
    blocks,
    profile,
    followers,
    followees,
    post,
    delete,
    posts,
    timeline,
    search,
    watch,
)
