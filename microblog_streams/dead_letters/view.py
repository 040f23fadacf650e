"""Shows dead letters as a table, as text and as JSON.

Anyone who can publish on a source topic writes their content, so all that does not print is escaped: a terminal neither
interprets it nor shows it as other text.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from rich import box
from rich.table import Table
from rich.text import Text

from microblog_streams.domain.dead_letters import DeadLetter
from microblog_streams.domain.ids import decode_user
from microblog_streams.ports import Resolution

#: Longer values, and longer reasons and headers, are cut.
MAX_VALUE_CHARACTERS: Final = 2_000
MAX_FIELD_CHARACTERS: Final = 500


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
