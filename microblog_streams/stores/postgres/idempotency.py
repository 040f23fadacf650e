"""Idempotency-Keys already seen, in PostgreSQL: a request that comes again within a day is answered as it was.

A key's row is committed before anything is published, or in one transaction with the change that it is about, so no
crash comes between the two. It holds no answer: that follows from the request, and from the post or the user that the
row names. So a secret in an answer (a token) is never stored; whoever answers makes a new one.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from microblog_streams.domain.errors import KeyReused
from microblog_streams.domain.models import IdempotencyKey, Reserved
from microblog_streams.stores.postgres.connection import Postgres
from microblog_streams.stores.postgres.session import Session

# Waits for whoever has the key's row in a transaction. Touches no row where the key was seen, and is not too old.
_CLAIM: Final = """
INSERT INTO idempotency AS seen (author, key, digest, post_id) VALUES (%s, %s, %s, %s)
ON CONFLICT (author, key) DO UPDATE
   SET digest = excluded.digest, post_id = excluded.post_id, done = false, user_id = NULL,
       created_at = excluded.created_at, expires_at = excluded.expires_at
 WHERE seen.expires_at <= now()
"""
_SEEN: Final = "SELECT digest, post_id, user_id, done FROM idempotency WHERE author = %s AND key = %s"
_FINISH: Final = "UPDATE idempotency SET done = true, user_id = %s WHERE author = %s AND key = %s"
# What somebody else sweeps, or claims anew at this moment, is skipped.
_SWEEP: Final = """
DELETE FROM idempotency WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM idempotency WHERE expires_at <= now() ORDER BY expires_at LIMIT %s FOR UPDATE SKIP LOCKED))
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the earlier request with a key left: its post, or whom it registered, and whether it was done."""

    post_id: UUID | None
    user_id: int | None
    done: bool


async def claim(
    session: Session, caller: int, idempotency_key: IdempotencyKey, post_id: UUID | None = None
) -> Seen | None:
    """Tie a caller's key to a request; return what the earlier one left where the key came before. Raises KeyReused.

    To be called first in a transaction: until that ends, others with the key wait here.
    """
    if await session.execute(_CLAIM, caller, idempotency_key.key, idempotency_key.digest, post_id):
        return None
    ((digest, earlier, user, done),) = await session.fetch(_SEEN, caller, idempotency_key.key)
    if bytes(digest) != idempotency_key.digest:
        raise KeyReused
    return Seen(earlier and UUID(str(earlier)), user, done)


async def finish(session: Session, caller: int, idempotency_key: IdempotencyKey, user_id: int | None = None) -> None:
    """Say that the request was done, in the transaction of the change itself; ``user_id``: who was registered."""
    await session.execute(_FINISH, user_id, caller, idempotency_key.key)


class Idempotency:
    """The ``IdempotencyStore`` of a deployment."""

    def __init__(self, postgres: Postgres) -> None:
        """Take the connection."""
        self._postgres = postgres

    async def claim(self, author: int, idempotency_key: IdempotencyKey, post_id: UUID) -> Reserved:
        """Tie a key of ``author`` to a post to be; return the earlier one where the key came before.

        Raises KeyReused where the earlier request was another.
        """
        async with self._postgres.transaction() as session:
            seen = await claim(session, author, idempotency_key, post_id)
        return Reserved(seen.post_id or post_id, seen.done) if seen else Reserved(post_id)

    async def finish(self, author: int, idempotency_key: IdempotencyKey) -> None:
        """Say that the key's post was acknowledged."""
        async with self._postgres.connection() as session:
            await finish(session, author, idempotency_key)

    async def sweep(self, limit: int) -> int:
        """Remove up to ``limit`` keys that are older than a day; return how many that were."""
        return await self._postgres.execute(_SWEEP, limit)
