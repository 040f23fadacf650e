"""Idempotency keys in memory."""

from uuid import UUID

from microblog_streams.errors import KeyReused
from tests.fakes.database import FakeDatabase


class FakeIdempotency:
    """The ``IdempotencyStore`` of a fake database."""

    def __init__(self, database: FakeDatabase) -> None:
        self.database = database

    async def claim(self, author: int, key: str, digest: bytes, post_id: UUID) -> UUID:
        self.database.check()
        seen, earlier = self.database.keys.setdefault((author, key), (digest, post_id))
        if seen != digest:
            raise KeyReused(f"The Idempotency-Key {key!r} came before, with another request.")
        return earlier
