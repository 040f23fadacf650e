"""Which dead letters somebody has dealt with, in PostgreSQL. Kafka cannot say so of a single record."""

from collections.abc import Iterator, Set
from contextlib import contextmanager
from datetime import datetime
from typing import Final, cast

from psycopg2.errors import UndefinedTable

from microblog_streams.domain.errors import SetupError
from microblog_streams.ports import Action, Bounds
from microblog_streams.stores.postgres.connection import Postgres

_SETTLE: Final = """
INSERT INTO settled_letters (partition, record_offset, action) VALUES (%s, %s, %s)
ON CONFLICT (partition, record_offset) DO UPDATE SET action = excluded.action, settled_at = now()
"""
_FIND: Final = "SELECT action, settled_at FROM settled_letters WHERE partition = %s AND record_offset = %s"
_OFFSETS: Final = """
SELECT record_offset FROM settled_letters WHERE partition = %s AND record_offset >= %s AND record_offset < %s
"""
_COUNT: Final = """
SELECT count(*)
  FROM settled_letters AS settled
  JOIN unnest(%s::int[], %s::bigint[], %s::bigint[]) AS bound (partition, first, beyond) USING (partition)
 WHERE record_offset >= first AND record_offset < beyond
"""
# A letter beyond the bounds may have come and been settled since they were looked up.
_FORGET: Final = """
DELETE FROM settled_letters AS settled
 USING unnest(%s::int[], %s::bigint[], %s::bigint[]) AS bound (partition, first, beyond)
 WHERE settled.partition = bound.partition
   AND (record_offset < first OR record_offset >= beyond)
   AND settled_at < now() - interval '10 minutes'
"""


class SettledLetters:
    """The ``SettledLetters`` of a deployment."""

    def __init__(self, postgres: Postgres) -> None:
        """Take the connection."""
        self._postgres = postgres

    async def settle(self, partition: int, offset: int, action: Action) -> None:
        """Write down what was done with a letter; the last word counts."""
        with _migrated():
            await self._postgres.execute(_SETTLE, partition, offset, action)

    async def find(self, partition: int, offset: int) -> tuple[Action, datetime] | None:
        """Return what was done with a letter, and when; None where it is open."""
        with _migrated():
            return cast(tuple[Action, datetime] | None, await self._postgres.fetch_one(_FIND, partition, offset))

    async def offsets(self, partition: int, first: int, beyond: int) -> Set[int]:
        """Return which of a partition's offsets from ``first`` up to ``beyond``, exclusive, are settled."""
        with _migrated():
            return {offset for (offset,) in await self._postgres.fetch(_OFFSETS, partition, first, beyond)}

    async def count(self, bounds: Bounds) -> int:
        """Return how many letters within the bounds are settled."""
        with _migrated():
            ((count,),) = await self._postgres.fetch(_COUNT, *_columns(bounds))
        return int(count)

    async def forget(self, bounds: Bounds) -> None:
        """Drop what was written down of letters outside the bounds, unless it is younger than the bounds may be."""
        with _migrated():
            await self._postgres.execute(_FORGET, *_columns(bounds))


def _columns(bounds: Bounds) -> tuple[list[int], list[int], list[int]]:
    return list(bounds), [first for first, _ in bounds.values()], [beyond for _, beyond in bounds.values()]


@contextmanager
def _migrated() -> Iterator[None]:
    try:
        yield
    except UndefinedTable:
        raise SetupError("the database is older than this version: run `faust -A microblog_streams migrate`") from None
