"""``Session``: the servers, the current user and the output, which every command gets."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import click

from microblog_streams.cli.credentials import USER_ID, Account, Credentials
from microblog_streams.cli.output import Output, one_line
from microblog_streams.client import Client, ClientError, Identity, User


@dataclass(frozen=True)
class Session:
    """One run of the program."""

    #: Base URLs of workers. Accounts are saved under the first one.
    urls: tuple[str, ...]
    #: Seconds for a call with all its attempts.
    total_timeout: float
    #: The name or id given by ``--as``.
    name: str | None
    #: From the environment; it replaces all saved tokens.
    token: str | None
    credentials: Credentials
    output: Output

    @property
    def url(self) -> str:
        """The URL under which accounts are saved."""
        return self.urls[0]

    async def find_account(self) -> Account | None:
        """Return the saved account of the current user; None if there is none, or a token is in the environment.

        ``--as`` may give any spelling of the name. If it is not the saved one, the server is asked for the user's id.
        """
        account = None if self.token else self._saved(self.name)
        if account is not None or self.token or self.name is None or USER_ID.fullmatch(self.name):
            return account
        async with self.anonymous() as client:
            user = await client.find(self.name.removeprefix("@"))
        return None if user is None else self._saved(str(user.id))

    def _saved(self, who: str | None) -> Account | None:
        return self.credentials.read().at(self.url).find(who)

    def save(self, account: Account) -> None:
        """Save an account after a login; it becomes the current user."""
        with self.credentials.changing() as saved:
            saved.at(self.url).save(account)

    def remove(self, account: Account) -> None:
        """Remove an account after a logout."""
        with self.credentials.changing() as saved:
            saved.at(self.url).remove(account)

    @asynccontextmanager
    async def anonymous(self) -> AsyncIterator[Client]:
        """Open a client without a user."""
        async with self._client(None, None) as client:
            yield client

    @asynccontextmanager
    async def reader(self) -> AsyncIterator[Client]:
        """Open a client for the current user if there is a saved account, else only with the token, if any."""
        account = await self.find_account()
        async with self._client(account.user if account else None, account.token if account else self.token) as client:
            yield client

    @asynccontextmanager
    async def actor(self) -> AsyncIterator[Client]:
        """Open a client for the current user. Raises ClickException if there is none."""
        account = await self.find_account()
        async with self._client(None, self.token) as client:
            yield client.acting_as(account.identity if account else await self._unsaved_identity(client))

    @asynccontextmanager
    async def about(self, who: str | None) -> AsyncIterator[tuple[Client, int]]:
        """Open a client; it comes with the id of the user ``who``, by default the current user."""
        if who is None:
            async with self.actor() as client:
                yield client, client.me
        else:
            async with self.reader() as client:
                yield client, int(who) if USER_ID.fullmatch(who) else (await find_user(client, who)).id

    def _client(self, user: int | None, token: str | None) -> Client:
        try:
            return Client(*self.urls, user=user, token=token, patience=self.total_timeout, trouble=_report_retry)
        except ValueError as exc:
            raise click.ClickException(str(exc)) from None

    async def _unsaved_identity(self, client: Client) -> Identity:
        if self.name is not None:
            return Identity((await find_user(client, self.name)).id, self.token)
        if self.token is not None:
            raise click.ClickException("MICROBLOG_TOKEN is set: name its user with --as or MICROBLOG_AS")
        raise click.ClickException(f"you are not signed in at {self.url}: microblog register NAME, or login NAME")


def _report_retry(error: ClientError) -> None:
    """In a terminal, show why it takes longer."""
    if sys.stderr.isatty():
        click.echo(f"Still trying: {one_line(str(error))}", err=True)


async def find_user(client: Client, text: str) -> User:
    """Return the user with an id, a name, or a name after an @ (which may be all digits). Raises ClickException."""
    if USER_ID.fullmatch(text):
        return await client.user(int(text))
    name = text.removeprefix("@")
    found = await client.find(name)
    if found is None:
        raise click.ClickException(f"there is no user named {name}")
    return found
