"""Blocks, and the locks that keep a block and an edge between the same two users apart.

A block and a concurrent follow of the same two users must not miss each other: the block would find no edge to end, and
the follow no block. A block locks its blocker's row FOR NO KEY UPDATE, which excludes FOR SHARE. A follow (and
``graph_import``) locks both users FOR SHARE, hence also the blocker, whichever of the two follows. The later of the two
waits for the other's commit; then a separate statement, which sees the commit, looks for the block or for the edge. The
blocked user is locked only FOR SHARE: that excludes their deletion, and lets others follow them at the same time.

All transactions lock in the same order, so there are no deadlocks: the row of the Idempotency-Key, users by id, the
block, edges. A deletion locks one user, then blocks in the order of their keys, as another deletion does.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from microblog_streams.domain.errors import NotFound
from microblog_streams.domain.models import IdempotencyKey, User
from microblog_streams.stores.postgres.connection import Postgres
from microblog_streams.stores.postgres.follows import unfollow
from microblog_streams.stores.postgres.idempotency import claim, finish
from microblog_streams.stores.postgres.outbox import append, edge_event
from microblog_streams.stores.postgres.session import Session

_OWN: Final = "SELECT FROM users WHERE id = %s AND deleted_at IS NULL FOR NO KEY UPDATE"
_SHARE: Final = "SELECT FROM users WHERE id = %s AND deleted_at IS NULL FOR SHARE"
_BLOCK: Final = "INSERT INTO blocks (blocker_id, blocked_id, blocked_at) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"
_UNBLOCK: Final = "DELETE FROM blocks WHERE blocker_id = %s AND blocked_id = %s"
# A deletion removes the user's blocks. Workers of the previous release did not, and may still run during an upgrade.
_PAGE: Final = """
SELECT id, username, created_at FROM blocks JOIN users ON id = blocked_id
 WHERE blocker_id = %s AND blocked_id > %s AND deleted_at IS NULL ORDER BY blocked_id LIMIT %s
"""
_REMOVE_ALL: Final = """
DELETE FROM blocks WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM blocks WHERE blocker_id = %s OR blocked_id = %s ORDER BY blocker_id, blocked_id FOR UPDATE))
"""


class Blocks:
    """The ``BlockStore``."""

    def __init__(self, postgres: Postgres) -> None:
        """Use the pool of ``postgres``."""
        self._postgres = postgres

    async def block(
        self, blocker: int, blocked: int, at: datetime, idempotency_key: IdempotencyKey | None = None
    ) -> None:
        """Block, and end the edges both ways with their events. Raises NotFound, KeyReused.

        A known key changes nothing, even if the block was removed since.
        """
        async with self._postgres.transaction() as session:
            if idempotency_key and await claim(session, blocker, idempotency_key):
                return
            await _lock_users(session, blocker, blocked)
            await session.execute(_BLOCK, blocker, blocked, at)
            await _end_edges(session, blocker, blocked, at)
            if idempotency_key:
                await finish(session, blocker, idempotency_key)

    async def unblock(self, blocker: int, blocked: int) -> None:
        """Remove a block. Follows stay impossible if the other user blocks too."""
        await self._postgres.execute(_UNBLOCK, blocker, blocked)

    async def blocked_page(self, blocker: int, after: int, limit: int) -> Sequence[User]:
        """Return up to ``limit`` users blocked by ``blocker`` with id > ``after``, by id."""
        return [User(*row) for row in await self._postgres.fetch(_PAGE, blocker, after, limit)]


async def remove_all(session: Session, user: int) -> None:
    """Delete all blocks of and by a user. The caller holds the user's row FOR UPDATE."""
    await session.execute(_REMOVE_ALL, user, user)


async def _lock_users(session: Session, blocker: int, blocked: int) -> None:
    for user in sorted((blocker, blocked)):
        if await session.fetch_one(_OWN if user == blocker else _SHARE, user) is None:
            raise NotFound("user", user)


async def _end_edges(session: Session, blocker: int, blocked: int, at: datetime) -> None:
    for edge in ((blocker, blocked), (blocked, blocker)):
        ended, changed = await unfollow(session, *edge, at)
        if changed:
            await append(session, [edge_event(ended)])
