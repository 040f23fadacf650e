"""The frame of every command: the session that it gets, its wrapping of a coroutine, and its failures.

A ``Session`` has the servers, the current user and the output. Every failure becomes one line on stderr and an exit
status: 0 for success, 1 for a failure, 2 for wrong usage, 130 after Ctrl-C.
"""

import asyncio
import io
import os
import sys
from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import update_wrapper
from typing import Any, Final, NoReturn, TypeVar

import click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn

from microblog_streams.cli.credentials import USER_ID, Account, Credentials
from microblog_streams.cli.output import Output, one_line
from microblog_streams.client import Client, ClientError, Identity, User
from microblog_streams.client.pages import MAX_PAGE_SIZE

#: Exit status after Ctrl-C.
INTERRUPTED: Final = 130
#: If this environment variable is set, an unexpected error shows its traceback.
TRACEBACK: Final = "MICROBLOG_TRACEBACK"
#: Items that a list shows without ``--limit``.
DEFAULT_LIMIT: Final = 20

#: The body of a command: it takes the session, then the command's own parameters.
CommandBody = Callable[..., Coroutine[Any, Any, None]]

T = TypeVar("T")


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


class Program(click.Group):
    """A group of commands that ends with the exit statuses above."""

    def main(self, *args: Any, **extra: Any) -> NoReturn:  # noqa: ANN401 - click's own parameters
        """Run the command, and exit."""
        extra["standalone_mode"] = False
        _replace_unencodable_characters()
        try:
            status = super().main(*args, **extra)
        except click.ClickException as exc:
            exc.show()
            sys.exit(exc.exit_code)
        except click.Abort:
            sys.exit(INTERRUPTED)
        except OSError as exc:
            sys.exit(_fail(f"{exc.strerror or exc}{f': {exc.filename}' if exc.filename else ''}"))
        except Exception as exc:
            if os.environ.get(TRACEBACK):
                raise
            what = f"{type(exc).__name__}: {exc}"
            sys.exit(_fail(f"{what} (this is a bug: run again with {TRACEBACK}=1 to see where it happens)"))
        sys.exit(status if isinstance(status, int) else 0)


def _replace_unencodable_characters() -> None:
    """Write a question mark for each character that the encoding of stdout lacks, such as an emoji in Latin-1."""
    for stream, errors in ((sys.stdout, "replace"), (sys.stderr, "backslashreplace")):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=errors)


def _fail(message: str) -> int:
    """Write the message to stderr; return the exit status."""
    with suppress(OSError):
        click.echo(f"Error: {one_line(message)}", err=True)
    try:
        sys.stdout.flush()
    except OSError:
        # At exit Python would try to write the rest again, and print a second error.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return 1


def command(name: str, group: click.Group | None = None) -> Callable[[CommandBody], click.Command]:
    """Decorate a coroutine function as a command; ``click.argument`` and ``click.option`` go between the two."""

    def decorate(body: CommandBody) -> click.Command:
        @click.pass_context
        def run(context: click.Context, /, as_json: bool, **parameters: object) -> None:
            session: Session = context.obj
            _run(body(replace(session, output=Output(as_json or session.output.json)), **parameters))

        option = click.option("--json", "as_json", is_flag=True, help="Write only JSON to stdout.")
        return (group.command if group else click.command)(name)(option(update_wrapper(run, body)))

    return decorate


def _run(body: Coroutine[Any, Any, None]) -> None:
    try:
        asyncio.run(body)
    except ClientError as exc:
        raise click.ClickException(one_line(str(exc))) from None


def limited(body: CommandBody) -> CommandBody:
    """Give a list command the options ``--limit`` and ``--all``; the body's ``limit`` is None for all."""

    async def run(session: Session, limit: int, all_items: bool, **parameters: object) -> None:
        await body(session, limit=None if all_items else limit, **parameters)

    number = click.option(
        "--limit", type=click.IntRange(min=1), default=DEFAULT_LIMIT, show_default=True, help="Number of items."
    )
    return number(click.option("--all", "all_items", is_flag=True, help="All items.")(update_wrapper(run, body)))


async def collect(items: AsyncIterable[T], limit: int | None, noun: str) -> list[T]:
    """Return at most ``limit`` items (None: all). In a terminal, the number so far is shown on stderr."""
    found: list[T] = []
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.completed:,} {task.description}"))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(noun, total=limit)
        async for item in items:
            found.append(item)
            progress.advance(task)
            if len(found) == limit:
                break
    return found


def page_size(limit: int | None) -> int:
    """Return how many items to request at a time: no more than the limit."""
    return MAX_PAGE_SIZE if limit is None else min(limit, MAX_PAGE_SIZE)
