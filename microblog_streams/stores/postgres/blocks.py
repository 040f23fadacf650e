"""Who has blocked whom, in PostgreSQL: between two of whom one has blocked the other there is no edge, ever.

A block and a follow between the same two must not pass each other unseen: the block would find no edge to end, and the
follow no block. So a block locks its blocker's row FOR NO KEY UPDATE, which lets no FOR SHARE in. A follow takes it on
both of its users, hence also on the blocker, whichever of the two follows; the same does ``graph_import``. Whoever
comes second waits for the other's commit, and only then, in a statement of its own that sees what was committed,
looks for the block or for the edge. The blocked one's row is only shared: that holds off their deletion, and to block
somebody whom thousands follow just now waits for none of them.

Nobody waits in a circle: everybody takes the key's row, then users in the order of ids, then the block, then edges.
A deletion holds one user and takes blocks in the order of their keys, because another's deletion may want the same.
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
# Blocks go with their users. Workers of the version before do not know that, while a cluster is rolled.
_PAGE: Final = """
SELECT id, username, created_at FROM blocks JOIN users ON id = blocked_id
 WHERE blocker_id = %s AND blocked_id > %s AND deleted_at IS NULL ORDER BY blocked_id LIMIT %s
"""
_REMOVE_ALL: Final = """
DELETE FROM blocks WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM blocks WHERE blocker_id = %s OR blocked_id = %s ORDER BY blocker_id, blocked_id FOR UPDATE))
"""


class Blocks:
    """The ``BlockStore`` of a deployment."""

    def __init__(self, postgres: Postgres) -> None:
        """Take the connection."""
        self._postgres = postgres

    async def block(
        self, blocker: int, blocked: int, at: datetime, idempotency_key: IdempotencyKey | None = None
    ) -> None:
        """Block, and end the edges both ways with their events; nothing where it is so already. Raises NotFound.

        A key of the blocker that came before changes nothing, whatever was unblocked since. Raises KeyReused.
        """
        async with self._postgres.transaction() as session:
            if idempotency_key and await claim(session, blocker, idempotency_key):
                return
            await _lock_users(session, blocker, blocked)
            await session.execute(_BLOCK, blocker, blocked, at)
            await _part(session, blocker, blocked, at)
            if idempotency_key:
                await finish(session, blocker, idempotency_key)

    async def unblock(self, blocker: int, blocked: int) -> None:
        """Let them follow each other again, unless the other one blocks too; edges stay as they are."""
        await self._postgres.execute(_UNBLOCK, blocker, blocked)

    async def blocked_page(self, blocker: int, after: int, limit: int) -> Sequence[User]:
        """Return up to ``limit`` of those whom ``blocker`` has blocked with id > ``after``, by id."""
        return [User(*row) for row in await self._postgres.fetch(_PAGE, blocker, after, limit)]


async def remove_all(session: Session, user: int) -> None:
    """Remove what a user has blocked and who has blocked them. To be called once the user is locked FOR UPDATE."""
    await session.execute(_REMOVE_ALL, user, user)


async def _lock_users(session: Session, blocker: int, blocked: int) -> None:
    for user in sorted((blocker, blocked)):
        if await session.fetch_one(_OWN if user == blocker else _SHARE, user) is None:
            raise NotFound("user", user)


async def _part(session: Session, blocker: int, blocked: int, at: datetime) -> None:
    for edge in ((blocker, blocked), (blocked, blocker)):
        ended, changed = await unfollow(session, *edge, at)
        if changed:
            await append(session, [edge_event(ended)])
