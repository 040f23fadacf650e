"""Reading a list to its end, or to a limit, with a sign of life for who waits."""

from collections.abc import AsyncIterable
from functools import update_wrapper
from typing import Final, TypeVar

import click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn

from microblog_streams.cli.program import Work
from microblog_streams.cli.session import Session
from microblog_streams.client.pages import LARGEST_PAGE

#: Items that are listed unless it is said how many.
LIMIT: Final = 20

T = TypeVar("T")


async def collect(items: AsyncIterable[T], limit: int | None, noun: str) -> list[T]:
    """Return the items, at most ``limit`` (None: all). Shows their number on stderr, where that is a terminal."""
    found: list[T] = []
    console = Console(stderr=True)
    look = (SpinnerColumn(), TextColumn("{task.completed:,} {task.description}"))
    with Progress(*look, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(noun, total=limit)
        async for item in items:
            found.append(item)
            progress.advance(task)
            if len(found) == limit:
                break
    return found


def page_size(limit: int | None) -> int:
    """Return how many to ask for at once: no more than are wanted."""
    return LARGEST_PAGE if limit is None else min(limit, LARGEST_PAGE)


def limited(work: Work) -> Work:
    """Give a command that lists something ``--limit`` and ``--all``; its parameter ``limit`` is None for all."""

    async def run(session: Session, limit: int, everything: bool, **parameters: object) -> None:
        await work(session, limit=None if everything else limit, **parameters)

    number = click.option("--limit", type=click.IntRange(min=1), default=LIMIT, show_default=True, help="How many.")
    return number(click.option("--all", "everything", is_flag=True, help="All of them.")(update_wrapper(run, work)))
