"""The command ``import-graph``: imports a follower graph, through PostgreSQL and the outbox like every other edge."""

import asyncio
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click
from faust import App
from faust.cli import argument, option
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from microblog_streams.commands.common import connected, expected_failures
from microblog_streams.commands.graph_file import BadLines, batches, survey
from microblog_streams.config.settings import Settings
from microblog_streams.stores.postgres.connection import Postgres
from microblog_streams.stores.postgres.deployment import get_deployment
from microblog_streams.stores.postgres.graph_import import graph_import

#: Edges in one transaction.
BATCH_EDGES: Final = 5_000

#: Called with the number of lines done, and the number of all lines.
ProgressCallback = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class ImportResult:
    """The result of one run: how many users and edges it added, and how long it took."""

    people: int
    follows: int
    bad_lines: BadLines
    resumed_after: int
    seconds: float

    def __str__(self) -> str:
        """Return the closing line of the command."""
        rate = self.follows / self.seconds if self.seconds else 0
        resumed = f", resumed after line {self.resumed_after:,}" if self.resumed_after else ""
        return (
            f"{self.people:,} people and {self.follows:,} follows added in {self.seconds:.1f} s "
            f"({rate:,.0f} follows/s), {self.bad_lines.count:,} bad lines{resumed}"
        )


async def import_graph(
    postgres: Postgres,
    path: Path,
    *,
    fraction: float | None = None,
    batch: int = BATCH_EDGES,
    progress: ProgressCallback | None = None,
) -> ImportResult:
    """Import a file, or continue an earlier import of it. The database must be migrated.

    ``fraction`` keeps that part of the users, those with the lowest numbers. Raises SetupError (file or database),
    StoreUnavailable; committed batches stay, and the next run continues after them.
    """
    begun = time.monotonic()
    on_progress = progress or (lambda done, total: None)
    await get_deployment(postgres)
    graph = await asyncio.to_thread(survey, path, fraction)
    async with graph_import(postgres, graph.digest, graph.nodes_below) as target:
        start = target.progress
        reading = batches(path, start.line, graph.nodes_below, batch)
        while read := await asyncio.to_thread(next, reading, None):
            await target.add(read.edges, read.last_line)
            on_progress(read.last_line, graph.lines)
        added = target.progress
    return ImportResult(
        people=added.people - start.people,
        follows=added.follows - start.follows,
        bad_lines=graph.bad,
        resumed_after=start.line,
        seconds=time.monotonic() - begun,
    )


def register(app: App, settings: Settings) -> None:
    """Add ``import-graph FILE [--fraction F] [--batch N]`` to the app's commands."""

    @app.command(
        argument("file", type=click.Path(path_type=Path)),
        option(
            "--fraction",
            type=click.FloatRange(0, 1, min_open=True),
            default=1.0,
            help="Part of the users to import: those with the lowest numbers.",
        ),
        option("--batch", type=click.IntRange(1, 100_000), default=BATCH_EDGES, help="Edges in one transaction."),
    )
    async def import_graph(self: Any, file: Path, fraction: float, batch: int) -> None:  # noqa: ANN401 -- Faust's own
        """Import a follower graph from a text or .gz file: a line "a b" says that a follows b.

        If it is interrupted, run it again: it continues where it stopped.
        """
        with expected_failures():
            await _run(settings, file, fraction, batch)


async def _run(settings: Settings, file: Path, fraction: float, batch: int) -> None:
    postgres = Postgres(settings)
    async with connected(postgres):
        with _progress_bar() as bar:
            task = bar.add_task("", total=None)
            result = await import_graph(
                postgres,
                file,
                fraction=fraction,
                batch=batch,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )
    _print_result(result)


def _progress_bar() -> Progress:
    return Progress(
        TextColumn("import-graph"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("lines"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )


def _print_result(result: ImportResult) -> None:
    bad = result.bad_lines
    for number, reason in bad.first:
        print(f"line {number}: {reason}", file=sys.stderr)
    if bad.count > len(bad.first):
        print(f"and {bad.count - len(bad.first):,} more bad lines", file=sys.stderr)
    print(result)
