"""What commands write to stdout: tables for people, lines of tabs into a pipe, JSON for programs (``--json``).

JSON is written in ASCII: programs read it alike everywhere, and a terminal finds nothing in it to obey.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from microblog_streams.cli.columns import Columns
from microblog_streams.cli.terminal import clean, one_line
from microblog_streams.client.models import Model


@dataclass(frozen=True, slots=True)
class Output:
    """Where the results of one command go."""

    json: bool

    def result(self, document: Model | Mapping[str, object], words: str) -> None:
        """Write what came of a command: ``words`` for people, the document for programs."""
        click.echo(_json(document) if self.json else one_line(words))

    def rows(self, items: Sequence[Model], columns: Columns) -> None:
        """Write a list: one JSON array, or a row or line for each."""
        if self.json:
            click.echo(f"[{','.join(_json(item) for item in items)}]")
        elif sys.stdout.isatty():
            Console(highlight=False).print(_table(items, columns))
        else:
            for item in items:
                click.echo(_tabbed(item, columns))

    def event(self, item: Model, columns: Columns) -> None:
        """Write one of a list that never ends, so that it is seen at once."""
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
    return "" if value is None else one_line(str(value))


def _table(items: Sequence[Model], columns: Columns) -> Table:
    table = Table(box=SIMPLE_HEAD)
    for title, field in columns:
        # What somebody wrote gives way to the rest where the line is too short.
        table.add_column(title, overflow="fold", no_wrap=field != "content")
    for item in items:
        table.add_row(*(_cell(getattr(item, field)) for _, field in columns))
    return table


def _cell(value: object) -> Text:
    """Return a cell. Text, not str: in a str rich would look for its markup."""
    if isinstance(value, datetime):
        return Text(value.astimezone().strftime("%Y-%m-%d %H:%M"))
    return Text("" if value is None else clean(str(value)))
