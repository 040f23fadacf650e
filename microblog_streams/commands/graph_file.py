"""Reads follower graphs in the format of the SNAP collection: a line "a b" says that a follows b.

The file is plain or gzipped text; `#` starts a comment. Bad lines are skipped and reported by number.
"""

import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import IO, Final, cast

from microblog_streams.domain.errors import SetupError

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
