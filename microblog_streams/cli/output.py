"""Writes results to stdout: a table in a terminal, tab-separated lines in a pipe, JSON with ``--json``.

Texts of other users are stripped of all that a terminal would interpret: an escape sequence in a post could overwrite
other lines, and a bidirectional control could make one name look like another. Joiners stay, because scripts and emoji
need them. JSON is written in ASCII, which has none of these characters and is read alike in every locale.
"""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from microblog_streams.client.models import Model

#: Title and field of each column.
Columns = Sequence[tuple[str, str]]
USER_COLUMNS: Final[Columns] = (("id", "id"), ("name", "username"), ("since", "created_at"))
POST_COLUMNS: Final[Columns] = (
    ("written", "created_at"),
    ("author", "username"),
    ("post", "content"),
    ("id", "post_id"),
)
TOKEN_COLUMNS: Final[Columns] = (("id", "id"), ("name", "name"), ("made", "created_at"), ("last used", "last_used_at"))

#: Title and field of each line of a profile.
PROFILE_FIELDS: Final[Columns] = (
    ("id", "id"),
    ("name", "username"),
    ("display name", "display_name"),
    ("note", "note"),
    ("links", "links"),
    ("posts", "posts"),
    ("followers", "followers"),
    ("followees", "followees"),
    ("since", "created_at"),
)

#: Control characters other than newline and tab, lone surrogates, and bidirectional controls.
_UNSAFE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_BREAKS: Final = re.compile("[\n\t\u2028\u2029]+")


@dataclass(frozen=True, slots=True)
class Output:
    """Where a command writes its results; ``json`` selects JSON."""

    json: bool

    def result(self, document: Model | Mapping[str, object], text: str) -> None:
        """Write the result of an action: ``text``, or the document as JSON."""
        click.echo(_json(document) if self.json else one_line(text))

    def rows(self, items: Sequence[Model], columns: Columns) -> None:
        """Write a list: a table, a line for each item, or one JSON array."""
        if self.json:
            click.echo(f"[{','.join(_json(item) for item in items)}]")
        elif sys.stdout.isatty():
            Console(highlight=False).print(_table(items, columns))
        else:
            for item in items:
                click.echo(_tabbed(item, columns))

    def page(self, item: Model, fields: Columns) -> None:
        """Write one item: a line for each field, tab-separated from its title, or JSON."""
        if self.json:
            click.echo(_json(item))
        else:
            for title, field in fields:
                click.echo(f"{title}\t{_plain(getattr(item, field))}")

    def event(self, item: Model, columns: Columns) -> None:
        """Write one item of an endless list, and flush."""
        click.echo(_json(item) if self.json else _tabbed(item, columns))
        sys.stdout.flush()


def _json(document: Model | Mapping[str, object]) -> str:
    value = document.model_dump(mode="json", by_alias=True) if isinstance(document, Model) else document
    return json.dumps(value, separators=(",", ":"))


def _tabbed(item: Model, columns: Columns) -> str:
    return "\t".join(_plain(getattr(item, field)) for _, field in columns)


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, tuple):
        return one_line(" ".join(map(str, value)))
    return "" if value is None else one_line(str(value))


def _table(items: Sequence[Model], columns: Columns) -> Table:
    table = Table(box=SIMPLE_HEAD)
    for title, field in columns:
        # If the terminal is too narrow, only the text of posts is wrapped.
        table.add_column(title, overflow="fold", no_wrap=field != "content")
    for item in items:
        table.add_row(*(_cell(getattr(item, field)) for _, field in columns))
    return table


def _cell(value: object) -> Text:
    """Return a cell. Text and not str, because rich would interpret its own markup in a str."""
    if isinstance(value, datetime):
        return Text(value.astimezone().strftime("%Y-%m-%d %H:%M"))
    return Text("" if value is None else clean(str(value)))


def clean(text: str) -> str:
    """Return the text without what a terminal would interpret; line breaks stay."""
    return _UNSAFE.sub("", text)


def one_line(text: str) -> str:
    """Return the text on one line, without what a terminal would interpret."""
    return _BREAKS.sub(" ", clean(text))
