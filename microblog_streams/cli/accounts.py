"""Registering, signing in and out."""

import socket
from contextlib import suppress

import click

from microblog_streams.cli.credentials import Account
from microblog_streams.cli.program import command
from microblog_streams.cli.session import Session
from microblog_streams.client import NotFound, Unauthenticated


@command("register")
@click.argument("username", metavar="NAME")
@click.option("--password-prompt", is_flag=True, help="Ask for a password, so that you can sign in elsewhere.")
async def register(session: Session, username: str, password_prompt: bool) -> None:
    """Register NAME, and act as them from now on."""
    password = _password(confirm=True) if password_prompt else None
    async with session.stranger() as client:
        new = await client.register(username, password)
    session.keep(Account(username=new.user.username, user=new.user.id, token=new.token))
    session.output.result(new.user, f"Registered {new.user.username} (id {new.user.id}).")


@command("login")
@click.argument("username", metavar="NAME")
@click.option("--token-name", default=socket.gethostname, show_default="this machine's name", help="For your own eyes.")
async def login(session: Session, username: str, token_name: str) -> None:
    """Sign NAME in with their password, and act as them from now on."""
    password = _password()
    async with session.stranger() as client:
        token = await client.sign_in(username, password, token_name)
        user = await client.user(token.user_id)
    session.keep(Account(username=user.username, user=user.id, token=token.token, token_id=token.id))
    session.output.result(user, f"Signed in as {user.username} (id {user.id}).")


@command("logout")
async def logout(session: Session) -> None:
    """Sign out: forget the token here, and make it worthless where its id is known."""
    account = await session.who_acts()
    if account is None:
        who = f"{session.name} is not" if session.name else "nobody is"
        raise click.ClickException(f"{who} signed in at {session.url}")
    if account.token is not None and account.token_id is not None:
        async with session.reader() as client:
            with suppress(NotFound, Unauthenticated):  # worthless already
                await client.revoke(account.token_id)
    session.forget(account)
    session.output.result({"username": account.username, "id": account.user}, f"Signed out {account.username}.")


@command("whoami")
async def whoami(session: Session) -> None:
    """Say who acts, and where."""
    async with session.actor() as client:
        user = await client.user(client.me)
    session.output.result(user, f"{user.username} (id {user.id}) at {session.url}")


def _password(confirm: bool = False) -> str:
    """Ask for a password, on stderr: stdout is for results."""
    answer: str = click.prompt("Password", hide_input=True, confirmation_prompt=confirm, err=True)
    return answer


COMMANDS = (register, login, logout, whoami)
