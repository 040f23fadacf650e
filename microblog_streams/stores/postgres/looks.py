"""Fills in what names look like for people who registered before that was kept.

In slices, while workers go on: a slice locks its users in the order of ids, as everybody does.
"""

from typing import Final

from psycopg2.errors import UniqueViolation

from microblog_streams.domain.lookalikes import look
from microblog_streams.stores.postgres.connection import Postgres, transaction
from microblog_streams.stores.postgres.session import Session

#: People of a slice; one takes some 20 ms.
_SLICE: Final = 1000
#: Seconds that one statement may take.
_LIMIT: Final = 60.0
#: How often a slice is tried: somebody may register a name that looks like one of it meanwhile.
_TRIES: Final = 10

_MISSING: Final = """
SELECT id, username FROM users WHERE id > %s AND look IS NULL AND name_key IS NOT NULL ORDER BY id LIMIT %s
"""
_LOCK: Final = "SELECT FROM users WHERE id = ANY(%s::bigint[]) ORDER BY id FOR UPDATE"
_FILL: Final = """
UPDATE users SET look = first.look
  FROM (SELECT DISTINCT ON (look) id, look FROM unnest(%s::bigint[], %s::text[]) AS given (id, look)
         ORDER BY look, id) AS first
 WHERE users.id = first.id AND users.look IS NULL AND users.name_key IS NOT NULL
   AND NOT EXISTS (SELECT FROM users AS other WHERE other.look = first.look)
"""


async def fill_looks(postgres: Postgres) -> int:
    """Fill in what is missing; return for how many. Of two who look alike the one who came first gets it."""
    filled, after = 0, 0
    async with postgres.dedicated(_LIMIT) as session:
        while rows := await session.fetch(_MISSING, after, _SLICE):
            ids = [ident for ident, _ in rows]
            filled += await _fill(session, ids, [look(name) for _, name in rows])
            after = ids[-1]
    return filled


async def _fill(session: Session, ids: list[int], looks: list[str]) -> int:
    for tried in range(_TRIES):
        try:
            async with transaction(session):
                await session.fetch(_LOCK, ids)
                return await session.execute(_FILL, ids, looks)
        except UniqueViolation:
            if tried == _TRIES - 1:
                raise
    raise AssertionError("unreachable")
