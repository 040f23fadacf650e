"""The command ``dead-letters``: shows records that could not be decoded, and replays or discards them.

Anyone who can publish on a source topic writes their content, so all that does not print is escaped: a terminal neither
interprets it nor shows it as other text.
"""

import asyncio
import json
import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import click
from faust import App
from faust.cli import argument, option
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from microblog_streams.commands.common import connected, expected_failures
from microblog_streams.config.settings import Settings
from microblog_streams.dead_letters.kafka import dead_letter_reader, source_topics
from microblog_streams.dead_letters.operations import DeadLetters
from microblog_streams.domain.dead_letters import DeadLetter
from microblog_streams.domain.errors import Conflict, SetupError
from microblog_streams.domain.ids import decode_user
from microblog_streams.ports import Resolution
from microblog_streams.stores.postgres.connection import Postgres
from microblog_streams.stores.postgres.deployment import get_deployment
from microblog_streams.stores.postgres.resolved_letters import ResolvedLetters

#: Width of the table if stdout is not a terminal.
WIDTH_COLUMNS: Final = 200

#: Longer values, and longer reasons and headers, are cut.
MAX_VALUE_CHARACTERS: Final = 2_000
MAX_FIELD_CHARACTERS: Final = 500


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
        print(as_json(found))
        return
    if not found:
        print("no open dead letters")
        return
    console = Console(width=None if sys.stdout.isatty() else WIDTH_COLUMNS)
    console.print(table(found))
    if (more := await letters.count() - len(found)) > 0:
        print(f"and {more:,} more: use --limit to list more")


async def _show(request: Request, letters: DeadLetters) -> None:
    letter = await letters.find(request.letter_id or "")
    if request.raw:
        sys.stdout.buffer.write(letter.value)
        sys.stdout.buffer.flush()
    else:
        print(details(letter, await letters.resolved.find(letter.partition, letter.offset)))


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
            print(f"{letter.id}: {safe(str(exc))}", file=sys.stderr)
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


def safe(text: str | bytes) -> str:
    """Return the text with everything escaped that does not print: controls, line breaks, bidirectional marks."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "backslashreplace")
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def shortened(text: str | bytes, limit: int) -> str:
    """Return the text, safe, cut after ``limit`` characters."""
    # A character has at most four bytes, so this much of the text has more than ``limit`` characters.
    start = safe(text[: 4 * limit + 4])
    return start if len(start) <= limit else f"{start[:limit]} ..."


def table(letters: Sequence[DeadLetter]) -> Table:
    """Return a table with a row for each letter."""
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("id", "topic", "partition", "offset"):
        shown.add_column(name, no_wrap=True)
    shown.add_column("reason", overflow="fold", ratio=1)
    shown.add_column("first failure", no_wrap=True)
    shown.add_column("bytes", no_wrap=True, justify="right")
    for letter in letters:
        source = (letter.source, letter.source_partition, letter.source_offset)
        cells = [letter.id, *source, letter.error, letter.first_failure[:19], f"{len(letter.value):,}"]
        shown.add_row(*(Text(shortened(cell, MAX_FIELD_CHARACTERS)) for cell in cells))
    return shown


def as_json(letters: Sequence[DeadLetter]) -> str:
    """Return the letters as a JSON array, in ASCII."""
    return json.dumps([_fields(letter) for letter in letters], indent=2)


def _fields(letter: DeadLetter) -> dict[str, Any]:
    return {
        "id": letter.id,
        "topic": letter.source,
        "partition": _number(letter.source_partition),
        "offset": _number(letter.source_offset),
        "error": letter.error,
        "firstFailure": letter.first_failure,
        "bytes": len(letter.value),
    }


def _number(text: str) -> int | str:
    return int(text) if text.isdecimal() else text


def details(letter: DeadLetter, resolution: tuple[Resolution, datetime] | None) -> str:
    """Return all fields of a letter, one a line, then its value."""
    fields = [*_fields_as_text(letter, resolution), *_headers(letter), ("value", f"{len(letter.value):,} bytes")]
    lines = [
        f"{shortened(name, MAX_FIELD_CHARACTERS):<14} {shortened(text, MAX_FIELD_CHARACTERS)}" for name, text in fields
    ]
    value = shortened(letter.value, MAX_VALUE_CHARACTERS)
    rest = ["(and more: --raw writes all of it)"] if value != safe(letter.value) else []
    return "\n".join([*lines, "", value, *rest])


def _fields_as_text(letter: DeadLetter, resolution: tuple[Resolution, datetime] | None) -> list[tuple[str, str]]:
    return [
        ("id", letter.id),
        ("state", f"{resolution[0]} {resolution[1].isoformat(timespec='seconds')}" if resolution else "open"),
        ("source", f"{letter.source}, partition {letter.source_partition}, offset {letter.source_offset}"),
        ("reason", letter.error),
        ("first failure", letter.first_failure),
        ("written", letter.written_at.isoformat(timespec="milliseconds")),
        ("key", _key(letter.key)),
    ]


def _headers(letter: DeadLetter) -> list[tuple[str, str | bytes]]:
    return [(f"header {name}", "(absent)" if value is None else value) for name, value in letter.headers]


def _key(key: bytes) -> str:
    user = f" (user {decode_user(key)})" if len(key) == 8 else ""
    return f"{key.hex() or '(empty)'}{user}"
