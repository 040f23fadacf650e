"""Idempotency-Key headers already seen, in PostgreSQL: a request that comes again gets the post of the first time."""

from typing import Final
from uuid import UUID

from microblog_streams.errors import KeyReused
from microblog_streams.stores.postgres import Postgres

# The update changes nothing: it makes the statement return the row that is there, also one that another request
# commits meanwhile.
_CLAIM: Final = """
INSERT INTO idempotency AS seen (author, key, digest, post_id) VALUES (%s, %s, %s, %s)
ON CONFLICT (author, key) DO UPDATE SET author = seen.author
RETURNING digest, post_id
"""


class Idempotency:
    """The ``IdempotencyStore`` of a deployment."""

    def __init__(self, postgres: Postgres) -> None:
        """Take the connection."""
        self._postgres = postgres

    async def claim(self, author: int, key: str, digest: bytes, post_id: UUID) -> UUID:
        """Tie ``key`` of ``author`` to ``post_id`` and return it; the earlier id where the key was seen before.

        Raises KeyReused where the earlier request had another digest.
        """
        ((seen, earlier),) = await self._postgres.fetch(_CLAIM, author, key, digest, post_id)
        if bytes(seen) != digest:
            raise KeyReused(f"The Idempotency-Key {key!r} came before, with another request.")
        return UUID(str(earlier))
