"""Turns coroutines into commands, and every failure into one line on stderr and an exit status.

The exit status is 0 for success, 1 for a failure, 2 for wrong usage, 130 after Ctrl-C.
"""

import asyncio
import io
import os
import sys
from collections.abc import AsyncIterable, Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from functools import update_wrapper
from typing import Any, Final, NoReturn, TypeVar

import click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn

from microblog_streams.cli.output import Output, one_line
from microblog_streams.cli.session import Session
from microblog_streams.client import ClientError
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
