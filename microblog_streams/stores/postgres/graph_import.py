"""Bulk import of a graph's users and follows: each batch of edges is one transaction, with its events and the progress.

Node n becomes the user ``n<n>``. Existing rows stay as they are, also an edge that its follower has ended since; no
edge is made between users of whom one has blocked the other. The import uses one session that holds an advisory lock,
so that two imports of the same file cannot interleave.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from psycopg2.errors import UniqueViolation

from microblog_streams.domain.errors import SetupError
from microblog_streams.domain.models import Edge
from microblog_streams.stores.postgres.connection import Lock, Postgres, transaction
from microblog_streams.stores.postgres.outbox import append, edge_event
from microblog_streams.stores.postgres.session import Session

#: Limit of one statement.
_STATEMENT_SECONDS: Final = 60.0
#: Attempts for a batch: a concurrent registration or deletion may change its users.
_ATTEMPTS: Final = 10

# An operator started the import, so names of deleted users are freed before their time.
_FREE: Final = """
UPDATE users SET name_key = NULL, look = NULL WHERE name_key = ANY(%s::text[]) AND deleted_at IS NOT NULL
"""
# Without the WHERE, each existing user would use up an id. ASCII names are their own lookalike form.
_PEOPLE: Final = """
INSERT INTO users (username, name_key, look)
SELECT name, name, CASE WHEN NOT EXISTS (SELECT FROM users WHERE look = name) THEN name END
  FROM unnest(%s::text[]) AS name
 WHERE NOT EXISTS (SELECT FROM users WHERE name_key = name)
ON CONFLICT (name_key) DO NOTHING
"""
# By id, as all transactions lock users: until the commit, none of them can be deleted or block another.
_IDS: Final = (
    "SELECT name_key, id FROM users WHERE name_key = ANY(%s::text[]) AND deleted_at IS NULL ORDER BY id FOR SHARE"
)
_FOLLOWS: Final = """
INSERT INTO follows (follower_id, followee_id, following, version, changed_at)
SELECT follower, followee, true, first, %s
  FROM unnest(%s::bigint[], %s::bigint[]) AS edge (follower, followee),
       (SELECT (era << 40) + 1 FROM deployment) AS version (first)
 WHERE NOT EXISTS (SELECT FROM blocks WHERE (blocker_id, blocked_id) IN ((follower, followee), (followee, follower)))
ON CONFLICT DO NOTHING
RETURNING follower_id, followee_id, following, version, changed_at
"""
_PROGRESS: Final = "SELECT line, people, follows FROM graph_imports WHERE digest = %s AND nodes_below = %s"
_SAVE: Final = """
INSERT INTO graph_imports (digest, nodes_below, line, people, follows, updated_at) VALUES (%s, %s, %s, %s, %s, now())
ON CONFLICT (digest, nodes_below) DO UPDATE
   SET line = excluded.line, people = excluded.people, follows = excluded.follows, updated_at = now()
"""


class _UserDeleted(Exception):
    """A user of the batch was deleted while it was written."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The state of an import: the last line read, and the numbers of users and follows added over all its runs."""

    line: int = 0
    people: int = 0
    follows: int = 0


class GraphImport:
    """The import of one file, identified by its digest, limited to the nodes below a number."""

    def __init__(self, session: Session, digest: bytes, nodes_below: int, progress: Progress) -> None:
        """``session`` holds the lock; ``progress`` is that of earlier runs."""
        self._session = session
        self._identity = (digest, nodes_below)
        self.progress = progress

    async def add(self, edges: Sequence[tuple[int, int]], line: int) -> None:
        """Write distinct edges between nodes, and ``line`` as the position in the file."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return await self._add(edges, line)
            except (UniqueViolation, _UserDeleted):
                if attempt == _ATTEMPTS:
                    raise
        raise AssertionError("unreachable")

    async def _add(self, edges: Sequence[tuple[int, int]], line: int) -> None:
        async with transaction(self._session):
            people, ids = await self._people(edges)
            added = await self._follows([(ids[a], ids[b]) for a, b in edges])
            await append(self._session, [edge_event(edge) for edge in added])
            before = self.progress
            progress = Progress(line, before.people + people, before.follows + len(added))
            await self._session.execute(_SAVE, *self._identity, progress.line, progress.people, progress.follows)
        self.progress = progress

    async def _people(self, edges: Sequence[tuple[int, int]]) -> tuple[int, dict[int, int]]:
        names = [f"n{node}" for node in sorted({node for edge in edges for node in edge})]
        await self._session.execute(_FREE, names)
        added = await self._session.execute(_PEOPLE, names)
        ids = {int(name[1:]): ident for name, ident in await self._session.fetch(_IDS, names)}
        if len(ids) < len(names):
            raise _UserDeleted
        return added, ids

    async def _follows(self, edges: Sequence[tuple[int, int]]) -> list[Edge]:
        followers, followees = [a for a, _ in edges], [b for _, b in edges]
        rows = await self._session.fetch(_FOLLOWS, datetime.now(UTC), followers, followees)
        return [Edge(*row) for row in rows]


@asynccontextmanager
async def graph_import(postgres: Postgres, digest: bytes, nodes_below: int) -> AsyncIterator[GraphImport]:
    """Begin or resume an import. Raises SetupError if another import is running."""
    async with postgres.dedicated(_STATEMENT_SECONDS) as session:
        if await session.fetch_one("SELECT pg_try_advisory_lock(%s)", int(Lock.IMPORT)) != (True,):
            raise SetupError("another import is running on this database: wait for its end")
        row = await session.fetch_one(_PROGRESS, digest, nodes_below)
        yield GraphImport(session, digest, nodes_below, Progress(*row) if row else Progress())
