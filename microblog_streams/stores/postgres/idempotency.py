"""Idempotency-Keys in PostgreSQL: a repeated request within a day gets the answer of the first.

A key's row is committed before anything is published, or in one transaction with the change, so a crash cannot separate
them. The row holds no answer: the answer follows from the request, and from the post or the user that the row names. So
secrets of an answer (a token) are never stored; a repeated registration gets a new one.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from microblog_streams.domain.errors import KeyReused
from microblog_streams.domain.models import IdempotencyKey, Reserved
from microblog_streams.stores.postgres.connection import Postgres
from microblog_streams.stores.postgres.session import Session

# Waits for a transaction that holds the key's row. Changes no row if the key is known and not expired.
_CLAIM: Final = """
INSERT INTO idempotency AS seen (author, key, digest, post_id) VALUES (%s, %s, %s, %s)
ON CONFLICT (author, key) DO UPDATE
   SET digest = excluded.digest, post_id = excluded.post_id, done = false, user_id = NULL,
       created_at = excluded.created_at, expires_at = excluded.expires_at
 WHERE seen.expires_at <= now()
"""
_SEEN: Final = "SELECT digest, post_id, user_id, done FROM idempotency WHERE author = %s AND key = %s"
_FINISH: Final = "UPDATE idempotency SET done = true, user_id = %s WHERE author = %s AND key = %s"
# Skips rows that are being swept or claimed anew.
_SWEEP: Final = """
DELETE FROM idempotency WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM idempotency WHERE expires_at <= now() ORDER BY expires_at LIMIT %s FOR UPDATE SKIP LOCKED))
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """The earlier request with a key: its post, or the user that it registered, and whether it was completed."""

    post_id: UUID | None
    user_id: int | None
    done: bool


async def claim(
    session: Session, caller: int, idempotency_key: IdempotencyKey, post_id: UUID | None = None
) -> Seen | None:
    """Claim a caller's key for a request; return the earlier request if the key is known. Raises KeyReused.

    The first statement of a transaction: until its end, other requests with the key wait here.
    """
    if await session.execute(_CLAIM, caller, idempotency_key.key, idempotency_key.digest, post_id):
        return None
    ((digest, earlier, user, done),) = await session.fetch(_SEEN, caller, idempotency_key.key)
    if bytes(digest) != idempotency_key.digest:
        raise KeyReused
    return Seen(earlier and UUID(str(earlier)), user, done)


async def finish(session: Session, caller: int, idempotency_key: IdempotencyKey, user_id: int | None = None) -> None:
    """Mark the request as completed, in the transaction of its change; ``user_id``: the registered user."""
    await session.execute(_FINISH, user_id, caller, idempotency_key.key)


class Idempotency:
    """The ``IdempotencyStore``."""

    def __init__(self, postgres: Postgres) -> None:
        """Use the pool of ``postgres``."""
        self._postgres = postgres

    async def claim(self, author: int, idempotency_key: IdempotencyKey, post_id: UUID) -> Reserved:
        """Reserve a post id for a key of ``author``; return the earlier reservation if the key is known.

        Raises KeyReused if the earlier request differed.
        """
        async with self._postgres.transaction() as session:
            seen = await claim(session, author, idempotency_key, post_id)
        return Reserved(seen.post_id or post_id, seen.done) if seen else Reserved(post_id)

    async def finish(self, author: int, idempotency_key: IdempotencyKey) -> None:
        """Note that the key's post was confirmed."""
        async with self._postgres.connection() as session:
            await finish(session, author, idempotency_key)

    async def sweep(self, limit: int) -> int:
        """Delete up to ``limit`` expired keys; return their number."""
        return await self._postgres.execute(_SWEEP, limit)
