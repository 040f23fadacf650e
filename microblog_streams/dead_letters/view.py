"""Shows dead letters to people and programs. What is in them was written by anybody: nothing of it reaches a terminal
that the terminal would obey, or that would read as something else.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from rich import box
from rich.table import Table
from rich.text import Text

from microblog_streams.dead_letters.record import DeadLetter
from microblog_streams.domain.ids import decode_user
from microblog_streams.ports import Action

#: Characters of a value, and of a reason or header, that are shown.
VALUE: Final = 2_000
WORDS: Final = 500


def safe(text: str | bytes) -> str:
    """Return the text with everything escaped that does not print: controls, line breaks, marks of direction."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "backslashreplace")
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def shortened(text: str | bytes, limit: int) -> str:
    """Return the text, safe, and cut where it is longer than ``limit`` characters."""
    # A character has four bytes at most, so this much of the text is more than the limit.
    start = safe(text[: 4 * limit + 4])
    return start if len(start) <= limit else f"{start[:limit]} ..."


def table(letters: Sequence[DeadLetter]) -> Table:
    """Return the letters as a table, one a row."""
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("id", "topic", "partition", "offset"):
        shown.add_column(name, no_wrap=True)
    shown.add_column("reason", overflow="fold", ratio=1)
    shown.add_column("first failure", no_wrap=True)
    shown.add_column("bytes", no_wrap=True, justify="right")
    for letter in letters:
        source = (letter.source, letter.source_partition, letter.source_offset)
        cells = [letter.ident, *source, letter.error, letter.first_failure[:19], f"{len(letter.value):,}"]
        shown.add_row(*(Text(shortened(cell, WORDS)) for cell in cells))
    return shown


def as_json(letters: Sequence[DeadLetter]) -> str:
    """Return the letters as a JSON array, in ASCII."""
    return json.dumps([_fields(letter) for letter in letters], indent=2)


def _fields(letter: DeadLetter) -> dict[str, Any]:
    return {
        "id": letter.ident,
        "topic": letter.source,
        "partition": _number(letter.source_partition),
        "offset": _number(letter.source_offset),
        "error": letter.error,
        "firstFailure": letter.first_failure,
        "bytes": len(letter.value),
    }


def _number(text: str) -> int | str:
    return int(text) if text.isdecimal() else text


def details(letter: DeadLetter, settled: tuple[Action, datetime] | None) -> str:
    """Return everything about one letter, line by line, and its value."""
    lines = [*_about(letter, settled), *_headers(letter), ("value", f"{len(letter.value):,} bytes")]
    told = [f"{shortened(name, WORDS):<14} {shortened(text, WORDS)}" for name, text in lines]
    value = shortened(letter.value, VALUE)
    rest = ["(and more: --raw writes all of it)"] if value != safe(letter.value) else []
    return "\n".join([*told, "", value, *rest])


def _about(letter: DeadLetter, settled: tuple[Action, datetime] | None) -> list[tuple[str, str]]:
    return [
        ("id", letter.ident),
        ("state", f"{settled[0]} {settled[1].isoformat(timespec='seconds')}" if settled else "open"),
        ("source", f"{letter.source}, partition {letter.source_partition}, offset {letter.source_offset}"),
        ("reason", letter.error),
        ("first failure", letter.first_failure),
        ("buried", letter.buried_at.isoformat(timespec="milliseconds")),
        ("key", _key(letter.key)),
    ]


def _headers(letter: DeadLetter) -> list[tuple[str, str | bytes]]:
    return [(f"header {name}", "(absent)" if value is None else value) for name, value in letter.headers]


def _key(key: bytes) -> str:
    user = f" (user {decode_user(key)})" if len(key) == 8 else ""
    return f"{key.hex() or '(empty)'}{user}"
