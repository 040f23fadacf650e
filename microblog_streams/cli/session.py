"""What every command works with: the servers, as whom, and where results go."""

import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import click

from microblog_streams.cli.credentials import Account, Credentials
from microblog_streams.cli.output import Output
from microblog_streams.cli.terminal import one_line
from microblog_streams.client import Client, ClientError, Identity, User

#: As many digits as an id can have.
_ID: Final = re.compile("[0-9]{1,19}", re.ASCII)


@dataclass(frozen=True)
class Session:
    """One run of the program."""

    #: Base URLs of workers. Accounts are kept by the first one.
    urls: tuple[str, ...]
    #: Seconds to go on trying for.
    patience: float
    #: Whom ``--as`` names: a name or an id.
    name: str | None
    #: From the environment, in place of any that is kept.
    token: str | None
    credentials: Credentials
    output: Output

    @property
    def url(self) -> str:
        """The server, as accounts are kept by it."""
        return self.urls[0]

    def account(self) -> Account | None:
        """Return the account that is kept of who acts; None where none is, or a token was given instead."""
        return None if self.token else self.credentials.read().at(self.url).find(self.name)

    async def who_acts(self) -> Account | None:
        """Return the account that is kept of who acts, in whatever spelling ``--as`` names them.

        Which spellings are one name is the server's to say: it is asked for the id of a name that is not kept as it is.
        """
        account = self.account()
        if account is not None or self.token or self.name is None or _ID.fullmatch(self.name):
            return account
        async with self.stranger() as client:
            user = await client.find(self.name.removeprefix("@"))
        return None if user is None else self.credentials.read().at(self.url).find(str(user.id))

    def keep(self, account: Account) -> None:
        """Write down who signed in."""
        with self.credentials.changing() as book:
            book.at(self.url).keep(account)

    def forget(self, account: Account) -> None:
        """Strike out who signed out."""
        with self.credentials.changing() as book:
            book.at(self.url).forget(account)

    @asynccontextmanager
    async def stranger(self) -> AsyncIterator[Client]:
        """Open a client of nobody in particular."""
        async with self._client(None, None) as client:
            yield client

    @asynccontextmanager
    async def reader(self) -> AsyncIterator[Client]:
        """Open a client as who acts where that is known here, else as nobody in particular."""
        account = await self.who_acts()
        async with self._client(account.user if account else None, account.token if account else self.token) as client:
            yield client

    @asynccontextmanager
    async def actor(self) -> AsyncIterator[Client]:
        """Open a client as who acts. Raises ClickException where that is nobody."""
        account = await self.who_acts()
        async with self._client(None, self.token) as client:
            yield client.acting_as(account.identity if account else await self._named(client))

    @asynccontextmanager
    async def about(self, who: str | None) -> AsyncIterator[tuple[Client, int]]:
        """Open a client, with the id of somebody who is named, else of who acts."""
        if who is None:
            async with self.actor() as client:
                yield client, client.me
        else:
            async with self.reader() as client:
                yield client, int(who) if _ID.fullmatch(who) else (await somebody(client, who)).id

    def _client(self, user: int | None, token: str | None) -> Client:
        try:
            return Client(*self.urls, user=user, token=token, patience=self.patience, trouble=_still_trying)
        except ValueError as exc:
            raise click.ClickException(str(exc)) from None

    async def _named(self, client: Client) -> Identity:
        if self.name is not None:
            return Identity((await somebody(client, self.name)).id, self.token)
        if self.token is not None:
            raise click.ClickException("MICROBLOG_TOKEN is set: say whose it is, with --as or MICROBLOG_AS")
        raise click.ClickException(f"nobody is signed in at {self.url}: microblog register NAME, or login NAME")


def _still_trying(error: ClientError) -> None:
    """Say to whoever sits there what they are waiting for."""
    if sys.stderr.isatty():
        click.echo(f"Still trying: {one_line(str(error))}", err=True)


async def somebody(client: Client, text: str) -> User:
    """Return who is meant by an id, a name, or a name after an @ (which may be all digits). Raises ClickException."""
    if _ID.fullmatch(text):
        return await client.user(int(text))
    name = text.removeprefix("@")
    found = await client.find(name)
    if found is None:
        raise click.ClickException(f"there is nobody named {name}")
    return found
