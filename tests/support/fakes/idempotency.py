"""Idempotency-Keys of posts in memory."""

from datetime import UTC, datetime
from uuid import UUID

from microblog_streams.domain.models import IdempotencyKey, Reserved
from tests.support.fakes.database import FakeDatabase


class FakeIdempotency:
    """The ``IdempotencyStore`` of a fake database."""

    def __init__(self, database: FakeDatabase) -> None:
        self.database = database

    async def claim(self, author: int, idempotency_key: IdempotencyKey, post_id: UUID) -> Reserved:
        self.database.check()
        if seen := self.database.seen(author, idempotency_key):
            return Reserved(seen.post_id or post_id, seen.done)
        self.database.keep(author, idempotency_key, done=False, post_id=post_id)
        return Reserved(post_id)

    async def finish(self, author: int, idempotency_key: IdempotencyKey) -> None:
        self.database.check()
        if row := self.database.keys.get((author, idempotency_key.key)):
            row.done = True

    async def sweep(self, limit: int) -> int:
        self.database.check()
        old = [key for key, row in self.database.keys.items() if row.expires_at <= datetime.now(UTC)][:limit]
        for key in old:
            del self.database.keys[key]
        return len(old)
