"""The command ``dead-letters``: shows records that could not be decoded, and replays or discards them."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import click
from faust import App
from faust.cli import argument, option
from rich.console import Console

from microblog_streams.commands.common import connected, expected_failures
from microblog_streams.config.settings import Settings
from microblog_streams.dead_letters import view
from microblog_streams.dead_letters.kafka import dead_letter_reader, source_topics
from microblog_streams.dead_letters.operations import DeadLetters
from microblog_streams.domain.dead_letters import DeadLetter
from microblog_streams.domain.errors import Conflict, SetupError
from microblog_streams.stores.postgres.connection import Postgres
from microblog_streams.stores.postgres.deployment import get_deployment
from microblog_streams.stores.postgres.resolved_letters import ResolvedLetters

#: Width of the table if stdout is not a terminal.
WIDTH_COLUMNS: Final = 200


def register(app: App, settings: Settings) -> None:
    """Add ``dead-letters list|show|replay|discard [ID]`` to the app's commands."""

    @app.command(
        argument("action", type=click.Choice(["list", "show", "replay", "discard"])),
        argument("letter_id", required=False, metavar="[ID]"),
        option("--all", "all_open", is_flag=True, help="replay, discard: all letters that are open now."),
        option("--limit", type=click.IntRange(1, 100_000), default=100, help="list: the maximum number, oldest first."),
        option("--json", "as_json", is_flag=True, help="list: as JSON."),
        option("--raw", is_flag=True, help="show: only the value, unescaped."),
        option("--yes", is_flag=True, help="discard: do not ask for confirmation."),
    )
    async def dead_letters(self: Any, **request: Any) -> None:  # noqa: ANN401 -- Faust's own
        """List the open dead letters, oldest first; show, replay or discard one.

        IDs are in the output of `list`.
        """
        with expected_failures():
            await _run(settings, Request(**request))


@dataclass(frozen=True)
class Request:
    """The arguments and options of the command."""

    action: str
    letter_id: str | None = None
    all_open: bool = False
    limit: int = 100
    as_json: bool = False
    raw: bool = False
    yes: bool = False

    def check(self) -> None:
        """Raise SetupError if they contradict each other, or a discard can neither ask nor has ``--yes``."""
        if self.action == "list" and (self.letter_id or self.all_open):
            raise SetupError("dead-letters list takes neither an id nor --all: use --limit for the number of letters")
        if self.action == "show" and (self.letter_id is None or self.all_open):
            raise SetupError("dead-letters show needs the id of one letter, as in: dead-letters show 3-17")
        if self.action in ("replay", "discard") and (self.letter_id is None) != self.all_open:
            raise SetupError(f"dead-letters {self.action} needs either the id of one letter or --all")
        if self.action == "discard" and not self.yes and not sys.stdin.isatty():
            raise SetupError("dead-letters discard asks for confirmation: without a terminal give --yes")


async def _run(settings: Settings, request: Request) -> None:
    request.check()
    # Its errors are translated, and the command prints them.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    async with _letters(settings) as letters:
        await execute(request, letters)


@asynccontextmanager
async def _letters(settings: Settings) -> AsyncIterator[DeadLetters]:
    postgres = Postgres(settings)
    async with connected(postgres), dead_letter_reader(settings) as reader, source_topics(settings) as sources:
        yield DeadLetters(reader, ResolvedLetters(postgres), sources, lambda: get_deployment(postgres))


async def execute(request: Request, letters: DeadLetters) -> None:
    """Execute a request, and print the result. Raises MicroblogError."""
    await {"list": _list, "show": _show, "replay": _replay, "discard": _discard}[request.action](request, letters)


async def _list(request: Request, letters: DeadLetters) -> None:
    found = await letters.oldest(request.limit)
    if request.as_json:
        print(view.as_json(found))
        return
    if not found:
        print("no open dead letters")
        return
    console = Console(width=None if sys.stdout.isatty() else WIDTH_COLUMNS)
    console.print(view.table(found))
    if (more := await letters.count() - len(found)) > 0:
        print(f"and {more:,} more: use --limit to list more")


async def _show(request: Request, letters: DeadLetters) -> None:
    letter = await letters.find(request.letter_id or "")
    if request.raw:
        sys.stdout.buffer.write(letter.value)
        sys.stdout.buffer.flush()
    else:
        print(view.details(letter, await letters.resolved.find(letter.partition, letter.offset)))


async def _replay(request: Request, letters: DeadLetters) -> None:
    done = await _for_each(request, letters, letters.replay)
    print(f"{done:,} replayed; a record that still cannot be decoded becomes a new letter")


async def _discard(request: Request, letters: DeadLetters) -> None:
    count = await letters.count() if request.all_open else 1
    what = f"all {count:,} open dead letters" if request.all_open else f"dead letter {request.letter_id}"
    if not count or request.yes or await _confirm(f"Discard {what}, which will never take effect? [y/N] "):
        print(f"{await _for_each(request, letters, letters.discard):,} discarded")
    else:
        print("nothing was discarded")


async def _for_each(request: Request, letters: DeadLetters, act: Callable[[DeadLetter], Awaitable[None]]) -> int:
    """Act on each letter; return how many. Conflicts are printed, and end in a SetupError after the last letter."""
    done = failed = 0
    async for letter in _selected(request, letters):
        try:
            await act(letter)
            done += 1
        except Conflict as exc:
            failed += 1
            print(f"{letter.id}: {view.safe(str(exc))}", file=sys.stderr)
    if failed:
        raise SetupError(f"{failed:,} stay open, {done:,} done")
    return done


async def _selected(request: Request, letters: DeadLetters) -> AsyncIterator[DeadLetter]:
    if request.all_open:
        async for letter in letters.all_open():
            yield letter
    else:
        yield await letters.find(request.letter_id or "")


async def _confirm(question: str) -> bool:
    """Ask on the terminal, without blocking the event loop, so that Ctrl-C works."""
    loop, readable = asyncio.get_running_loop(), asyncio.Event()
    print(question, end="", flush=True)
    loop.add_reader(sys.stdin.fileno(), readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(sys.stdin.fileno())
    return sys.stdin.readline().strip().lower() in ("y", "yes")
