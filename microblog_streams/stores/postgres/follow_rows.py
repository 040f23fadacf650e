"""Ending an edge within a transaction: by its follower, or by a block of either of the two.

The row stays, and its version grows under its lock; who calls appends the event in the same transaction.
"""

from datetime import datetime
from typing import Final

from microblog_streams.domain.models import Edge
from microblog_streams.stores.postgres.session import Session

#: The columns of an ``Edge``.
COLUMNS: Final = "follower_id, followee_id, following, version, changed_at"

_LOCK: Final = f"SELECT {COLUMNS} FROM follows WHERE follower_id = %s AND followee_id = %s FOR UPDATE"  # noqa: S608
_UNFOLLOW: Final = f"""
UPDATE follows SET following = false, changed_at = %s,
       version = greatest(version + 1, (SELECT (era << 40) + 1 FROM deployment))
 WHERE follower_id = %s AND followee_id = %s
RETURNING {COLUMNS}
"""  # noqa: S608


async def stored(session: Session, follower: int, followee: int, at: datetime) -> Edge:
    """Lock an edge's row and return it; an edge of version 0 where nobody ever made it."""
    row = await session.fetch_one(_LOCK, follower, followee)
    return Edge(*row) if row else Edge(follower, followee, False, 0, at)


async def unfollow(session: Session, follower: int, followee: int, at: datetime) -> tuple[Edge, bool]:
    """End an edge; return it, and whether that was a change."""
    edge = await stored(session, follower, followee, at)
    if not edge.following:
        return edge, False
    (row,) = await session.fetch(_UNFOLLOW, at, follower, followee)
    return Edge(*row), True
