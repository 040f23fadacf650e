"""The command `import-graph`: loads a follower graph, through PostgreSQL and the outbox like every other edge."""

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

from microblog_streams.commands.exit_codes import expected_failures
from microblog_streams.commands.graph_file import BadLines, batches, survey
from microblog_streams.config.settings import Settings
from microblog_streams.stores.postgres.connection import Postgres
from microblog_streams.stores.postgres.deployment import get_deployment
from microblog_streams.stores.postgres.graph_import import graph_import

#: Edges a transaction.
BATCH: Final = 5_000

#: Told how many lines are done, and how many there are.
Report = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import did. ``people`` and ``follows`` count what this run added, ``seconds`` is how long it took."""

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
    batch: int = BATCH,
    progress: Report | None = None,
) -> ImportResult:
    """Import a file, from where an earlier import of it ended. The database must be migrated.

    ``fraction`` keeps that part of the people, those with the lowest numbers. Raises SetupError (file, set-up),
    StoreUnavailable: what was committed stays, and the next import goes on after it.
    """
    begun = time.monotonic()
    report = progress or (lambda done, total: None)
    await get_deployment(postgres)
    graph = await asyncio.to_thread(survey, path, fraction)
    async with graph_import(postgres, graph.digest, graph.nodes_below) as target:
        start = target.progress
        reading = batches(path, start.line, graph.nodes_below, batch)
        while part := await asyncio.to_thread(next, reading, None):
            await target.add(part.edges, part.last_line)
            report(part.last_line, graph.lines)
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
            help="Part of the people to import: those with the lowest numbers.",
        ),
        option("--batch", type=click.IntRange(1, 100_000), default=BATCH, help="Edges a transaction."),
    )
    async def import_graph(self: Any, file: Path, fraction: float, batch: int) -> None:  # noqa: ANN401 -- Faust's own
        """Load a follower graph: lines "a b" say that a follows b; plain or .gz.

        An interrupted import goes on where it was.
        """
        with expected_failures():
            await _command(settings, file, fraction, batch)


async def _command(settings: Settings, file: Path, fraction: float, batch: int) -> None:
    postgres = Postgres(settings)
    try:
        await postgres.connect()
        with _bar() as bar:
            task = bar.add_task("", total=None)
            result = await import_graph(
                postgres,
                file,
                fraction=fraction,
                batch=batch,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )
    finally:
        await postgres.close()
    _tell(result)


def _bar() -> Progress:
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


def _tell(result: ImportResult) -> None:
    bad = result.bad_lines
    for number, reason in bad.first:
        print(f"line {number}: {reason}", file=sys.stderr)
    if bad.count > len(bad.first):
        print(f"and {bad.count - len(bad.first):,} more bad lines", file=sys.stderr)
    print(result)
