"""How commands are made and how they end: one line for what went wrong, and an exit status that scripts can go by.

0 done, 1 it failed, 2 it was called wrongly, 130 interrupted.
"""

import asyncio
import io
import os
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from functools import update_wrapper
from typing import Any, Final, NoReturn

import click

from microblog_streams.cli.output import Output
from microblog_streams.cli.session import Session
from microblog_streams.cli.terminal import one_line
from microblog_streams.client import ClientError

#: Exit status after Ctrl-C.
INTERRUPTED: Final = 130
#: The variable that has the program show where it failed.
TRACEBACK: Final = "MICROBLOG_TRACEBACK"

#: A command's work: the session, then the command's own parameters.
Work = Callable[..., Coroutine[Any, Any, None]]


class Program(click.Group):
    """A group of commands that ends as a program should."""

    def main(self, *args: Any, **extra: Any) -> NoReturn:  # noqa: ANN401 - click's own parameters
        """Run, and exit."""
        extra["standalone_mode"] = False
        _replace_what_cannot_be_shown()
        try:
            status = super().main(*args, **extra)
        except click.ClickException as exc:
            exc.show()
            sys.exit(exc.exit_code)
        except click.Abort:
            sys.exit(INTERRUPTED)
        except OSError as exc:
            sys.exit(_failed(f"{exc.strerror or exc}{f': {exc.filename}' if exc.filename else ''}"))
        except Exception as exc:
            if os.environ.get(TRACEBACK):
                raise
            what = f"{type(exc).__name__}: {exc}"
            sys.exit(
                _failed(f"{what} (nobody thought of this: {TRACEBACK}=1 in the environment shows where it happens)")
            )
        sys.exit(status if isinstance(status, int) else 0)


def _replace_what_cannot_be_shown() -> None:
    """Show a question mark for each character that a console lacks: an emoji on one of Latin-1."""
    for stream, errors in ((sys.stdout, "replace"), (sys.stderr, "backslashreplace")):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=errors)


def _failed(words: str) -> int:
    """Say what went wrong; return the exit status."""
    with suppress(OSError):
        click.echo(f"Error: {one_line(words)}", err=True)
    try:
        sys.stdout.flush()
    except OSError:
        # What cannot be written would be tried once more at the end, and complained of.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return 1


def command(name: str, group: click.Group | None = None) -> Callable[[Work], click.Command]:
    """Make a command of a coroutine function; its arguments and options are decorated below this."""

    def made(work: Work) -> click.Command:
        @click.pass_context
        def run(context: click.Context, /, as_json: bool, **parameters: object) -> None:
            session: Session = context.obj
            _run(work(replace(session, output=Output(as_json or session.output.json)), **parameters))

        option = click.option("--json", "as_json", is_flag=True, help="Write JSON, and nothing else, to stdout.")
        return (group.command if group else click.command)(name)(option(update_wrapper(run, work)))

    return made


def _run(work: Coroutine[Any, Any, None]) -> None:
    try:
        asyncio.run(work)
    except ClientError as exc:
        raise click.ClickException(one_line(str(exc))) from None
