"""Resolved dead letters, in the table ``settled_letters``: Kafka cannot mark a single record."""

from collections.abc import Iterator, Set
from contextlib import contextmanager
from datetime import datetime
from typing import Final, cast

from psycopg2.errors import UndefinedTable

from microblog_streams.domain.errors import SetupError
from microblog_streams.ports import Bounds, Resolution
from microblog_streams.stores.postgres.connection import Postgres

_RESOLVE: Final = """
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
# A letter beyond the bounds may have been written and resolved after they were looked up, so young rows stay.
_FORGET: Final = """
DELETE FROM settled_letters AS settled
 USING unnest(%s::int[], %s::bigint[], %s::bigint[]) AS bound (partition, first, beyond)
 WHERE settled.partition = bound.partition
   AND (record_offset < first OR record_offset >= beyond)
   AND settled_at < now() - interval '10 minutes'
"""
_FORGET_ALL: Final = "DELETE FROM settled_letters"


class ResolvedLetters:
    """The ``ResolvedLetters`` of a deployment."""

    def __init__(self, postgres: Postgres) -> None:
        """Use the pool of ``postgres``."""
        self._postgres = postgres

    async def resolve(self, partition: int, offset: int, resolution: Resolution) -> None:
        """Record how a letter was resolved; a second resolution replaces the first."""
        with _migrated():
            await self._postgres.execute(_RESOLVE, partition, offset, resolution)

    async def find(self, partition: int, offset: int) -> tuple[Resolution, datetime] | None:
        """Return how and when a letter was resolved; None if it is open."""
        with _migrated():
            return cast(tuple[Resolution, datetime] | None, await self._postgres.fetch_one(_FIND, partition, offset))

    async def offsets(self, partition: int, first: int, beyond: int) -> Set[int]:
        """Return the resolved offsets of a partition, from ``first`` up to ``beyond``, exclusive."""
        with _migrated():
            return {offset for (offset,) in await self._postgres.fetch(_OFFSETS, partition, first, beyond)}

    async def count(self, bounds: Bounds) -> int:
        """Return how many letters within the bounds are resolved."""
        with _migrated():
            ((count,),) = await self._postgres.fetch(_COUNT, *_columns(bounds))
        return int(count)

    async def forget(self, bounds: Bounds) -> None:
        """Delete the rows of letters outside the bounds, which have expired."""
        with _migrated():
            await self._postgres.execute(_FORGET, *_columns(bounds))

    async def forget_all(self) -> None:
        """Delete all rows: the letters that they are about went with their topic."""
        with _migrated():
            await self._postgres.execute(_FORGET_ALL)


def _columns(bounds: Bounds) -> tuple[list[int], list[int], list[int]]:
    return list(bounds), [first for first, _ in bounds.values()], [beyond for _, beyond in bounds.values()]


@contextmanager
def _migrated() -> Iterator[None]:
    try:
        yield
    except UndefinedTable:
        raise SetupError("the database is older than this version: run `faust -A microblog_streams migrate`") from None
