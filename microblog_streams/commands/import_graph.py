"""The command ``import-graph``: imports a follower graph, through PostgreSQL and the outbox like every other edge.

The file has the format of the SNAP collection: a line "a b" says that a follows b, `#` starts a comment. It is plain or
gzipped text. Bad lines are skipped and reported by number.
"""

import asyncio
import gzip
import re
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, Final, cast

import click
from faust import App
from faust.cli import argument, option
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from microblog_streams.commands.common import connected, expected_failures
from microblog_streams.config.settings import Settings
from microblog_streams.domain.errors import SetupError
from microblog_streams.stores.postgres.connection import Postgres
from microblog_streams.stores.postgres.deployment import get_deployment
from microblog_streams.stores.postgres.graph_import import graph_import

#: Edges in one transaction.
BATCH_EDGES: Final = 5_000

#: Called with the number of lines done, and the number of all lines.
ProgressCallback = Callable[[int, int], None]

#: Two node numbers of at most 18 digits, so that they fit a bigint.
_EDGE: Final = re.compile(rb"\s*(\d{1,18})\s+(\d{1,18})\s*")
_BLANK: Final = re.compile(rb"\s*(#.*)?", re.DOTALL)
#: Bad lines that are reported one by one; the others are counted.
_REPORTED_LINES: Final = 20

GraphEdge = tuple[int, int]


@dataclass(slots=True)
class BadLines:
    """The number of bad lines, and the first of them as (line number, reason)."""

    count: int = 0
    first: list[tuple[int, str]] = field(default_factory=list)

    def add(self, number: int, reason: str) -> None:
        """Count a bad line, and keep it if it is among the first."""
        self.count += 1
        if len(self.first) < _REPORTED_LINES:
            self.first.append((number, reason))


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


@dataclass(frozen=True, slots=True)
class Survey:
    """A file's digest and size. Only nodes with numbers below ``nodes_below`` are imported."""

    digest: bytes
    lines: int
    nodes_below: int
    bad: BadLines


@dataclass(frozen=True, slots=True)
class Batch:
    """Distinct edges, and the number of the last line that was read for them."""

    edges: list[GraphEdge]
    last_line: int


def survey(path: Path, fraction: float | None = None) -> Survey:
    """Read the whole file once. Raises SetupError if it cannot be read.

    ``fraction`` (0 to 1) keeps that part of the nodes, those with the lowest numbers: SNAP numbers nodes in the order
    of a crawl, so the first ones follow each other and the rest stays connected.
    """
    nodes: set[int] = set()
    bad, number = BadLines(), 0
    for number, line in _lines(path):
        try:
            nodes.update(parse_line(line) or ())
        except ValueError as exc:
            bad.add(number, str(exc))
    return Survey(_digest(path), number, _lowest(nodes, fraction), bad)


def batches(path: Path, after_line: int, nodes_below: int, size: int) -> Iterator[Batch]:
    """Yield the edges between nodes below ``nodes_below``, ``size`` at a time, from the lines after ``after_line``."""
    edges: dict[GraphEdge, None] = {}
    number = yielded = after_line
    for number, line in _lines(path):
        edge = _good_edge(line) if number > after_line else None
        if edge and max(edge) < nodes_below:
            edges[edge] = None
            if len(edges) == size:
                yielded = number
                yield Batch(list(edges), number)
                edges.clear()
    if number > yielded:
        yield Batch(list(edges), number)


def parse_line(line: bytes) -> GraphEdge | None:
    """Return the edge of a line; None for a comment or an empty line. Raises ValueError with the reason."""
    match = _EDGE.fullmatch(line)
    if match is None:
        if _BLANK.fullmatch(line):
            return None
        raise ValueError("expected two node numbers")
    edge = int(match[1]), int(match[2])
    if edge[0] == edge[1]:
        raise ValueError(f"node {edge[0]} follows itself")
    return edge


def _good_edge(line: bytes) -> GraphEdge | None:
    try:
        return parse_line(line)
    except ValueError:
        return None


def _lowest(nodes: set[int], fraction: float | None) -> int:
    kept = len(nodes) if fraction is None else max(1, round(len(nodes) * fraction))
    return sorted(nodes)[kept - 1] + 1 if nodes else 0


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    try:
        with _open(path) as file:
            yield from enumerate(file, 1)
    except (EOFError, gzip.BadGzipFile, zlib.error) as exc:
        raise SetupError(f"{path}: the gzip file is damaged ({exc})") from None
    except OSError as exc:
        raise SetupError(f"{path}: {exc.strerror}") from None


def _open(path: Path) -> IO[bytes]:
    # GzipFile has all methods of IO[bytes], but typeshed does not declare it as one.
    return cast(IO[bytes], gzip.open(path)) if path.suffix == ".gz" else path.open("rb")


def _digest(path: Path) -> bytes:
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.digest()
