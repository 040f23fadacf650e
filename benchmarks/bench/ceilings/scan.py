"""RocksDB alone: an author's rows out of a large table, by a bare iterator, beside our own slices of them.

    python -m benchmarks.bench.ceilings.scan FOLDER ROWS

Writes a table of so many rows into a new folder, with the options of a worker's tables; prints the author's rows a
second of both. The others' rows come before and after the author's. The bare iterator decodes nothing.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path
from time import perf_counter
from typing import Any, cast

from faust.stores.rocksdb import RocksDBOptions
from rocksdict import Rdict, WriteBatch

from benchmarks.bench.ceilings.clients import BARE, OURS, report
from microblog_streams.delivery.faust_patches.changelog import ConfirmedTable
from microblog_streams.domain.ids import encode_user
from microblog_streams.operations.fan_out import SLICE_ROWS
from microblog_streams.ports import Row
from tables.followers import ROCKSDB, FollowersTable, encode_key, encode_row

#: The rows of each author, the author who is read, and seconds for which rows are read.
FOLLOWERS, SECONDS = 50_000, 1.0


@dataclass(frozen=True)
class OnePartition:
    """What the table's reads need of Faust's table."""

    rows: Rdict

    def database(self, partition: int) -> Rdict:
        """Return the rows."""
        return self.rows


async def scan(folder: Path, count: int) -> dict[str, float]:
    """Write the rows, and read the middle author's."""
    options: dict[str, Any] = {name: value for name, value in ROCKSDB.items() if name != "driver"}
    rows = RocksDBOptions(use_rocksdict=True, **options).open(folder)
    _write(rows, count)
    author = count // FOLLOWERS // 2
    table = FollowersTable(cast(ConfirmedTable, OnePartition(rows)))
    try:
        return {BARE: _rate(lambda: _bare(rows, author)), OURS: _rate(lambda: _ours(table, author))}
    finally:
        rows.close()


def _write(rows: Rdict, count: int) -> None:
    row = encode_row(Row(1, True, datetime.now(UTC)))
    for author in range(count // FOLLOWERS):
        batch = WriteBatch(raw_mode=True)
        for follower in range(1, FOLLOWERS + 1):
            batch.put(encode_key(author, follower), row)
        rows.write(batch)
    rows.flush()


def _rate(read: Callable[[], int]) -> float:
    """Return the rows a second. Raises RuntimeError where some are missing."""
    begun, found = perf_counter(), 0
    while perf_counter() - begun < SECONDS:
        if (seen := read()) != FOLLOWERS:
            raise RuntimeError(f"{seen:,} rows were found, not {FOLLOWERS:,}")
        found += seen
    return found / (perf_counter() - begun)


def _bare(rows: Rdict, author: int) -> int:
    prefix = encode_user(author)
    found = cast(Iterator[bytes], rows.keys(from_key=encode_key(author, 1)))
    return sum(1 for _ in takewhile(lambda key: key.startswith(prefix), found))


def _ours(table: FollowersTable, author: int) -> int:
    found, position = 0, cast("int | None", 0)
    while position is not None:
        part = table.slice(0, author, position, SLICE_ROWS)
        found, position = found + len(part.followers), part.last
    return found


if __name__ == "__main__":
    report(scan(Path(sys.argv[1]), int(sys.argv[2])))
