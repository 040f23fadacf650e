"""Reads follower graphs as the SNAP collection publishes them: a line "a b" says that a follows b.

Plain or gzipped text, `#` starts a comment. A bad line costs itself and nothing else; it is told by its number.
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
#: Bad lines that are told one by one; the others are counted.
_TOLD: Final = 20

GraphEdge = tuple[int, int]


@dataclass(slots=True)
class BadLines:
    """What was wrong with the file: how many lines, and the first of them as (number, reason)."""

    count: int = 0
    first: list[tuple[int, str]] = field(default_factory=list)

    def add(self, number: int, reason: str) -> None:
        """Count a line, and keep it if it is among the first."""
        self.count += 1
        if len(self.first) < _TOLD:
            self.first.append((number, reason))


@dataclass(frozen=True, slots=True)
class Survey:
    """A file's identity and size. Nodes with lower numbers than ``nodes_below`` take part."""

    digest: bytes
    lines: int
    nodes_below: int
    bad: BadLines


@dataclass(frozen=True, slots=True)
class Batch:
    """Edges without duplicates among them, and the number of the last line that was read for them."""

    edges: list[GraphEdge]
    last_line: int


def parse_line(line: bytes) -> GraphEdge | None:
    """Return the edge of a line, None for a comment or an empty one. Raises ValueError with the reason."""
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
    """Read the file once. Raises SetupError where it cannot be read.

    ``fraction`` (0 to 1) keeps that part of the people, those with the lowest numbers: SNAP numbers nodes in the
    order of a crawl, so the first ones know each other and what is left hangs together.
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
    """Read the edges between nodes below ``nodes_below``, from the line after ``after_line`` on; skip bad lines."""
    edges: dict[GraphEdge, None] = {}
    number = told = after_line
    for number, line in _lines(path):
        edge = _good_edge(line) if number > after_line else None
        if edge and max(edge) < nodes_below:
            edges[edge] = None
            if len(edges) == size:
                told = number
                yield Batch(list(edges), number)
                edges.clear()
    if number > told:
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
    # GzipFile is not an IO[bytes] by its types, and is one in fact.
    return cast(IO[bytes], gzip.open(path)) if path.suffix == ".gz" else path.open("rb")


def _digest(path: Path) -> bytes:
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.digest()
