"""Who has blocked whom, in memory."""

from collections.abc import Collection, Sequence
from datetime import datetime

from microblog_streams.domain.models import IdempotencyKey, User
from tests.support.fakes.database import FakeDatabase


class FakeBlocks:
    """The ``BlockStore`` of a fake database."""

    def __init__(self, database: FakeDatabase) -> None:
        self.database = database

    async def block(
        self, blocker: int, blocked: int, at: datetime, idempotency_key: IdempotencyKey | None = None
    ) -> None:
        self.database.check()
        if idempotency_key and self.database.seen(blocker, idempotency_key):
            return
        self.database.require(*sorted((blocker, blocked)))
        if idempotency_key:
            self.database.keep(blocker, idempotency_key)
        self.database.blocks.add((blocker, blocked))
        for pair in ((blocker, blocked), (blocked, blocker)):
            edge = self.database.edges.get(pair)
            if edge and edge.following:
                self.database.write_edge(*pair, False, at)

    async def unblock(self, blocker: int, blocked: int) -> None:
        self.database.check()
        self.database.blocks.discard((blocker, blocked))

    async def blocks(self, blocker: int, blocked: int) -> bool:
        self.database.check()
        return (blocker, blocked) in self.database.blocks

    async def between(self, user: int, others: Collection[int]) -> set[int]:
        self.database.check()
        pairs = self.database.blocks
        return {other for other in others if (user, other) in pairs or (other, user) in pairs}

    async def blocked_page(self, blocker: int, after: int, limit: int) -> Sequence[User]:
        self.database.check()
        blocked = sorted(whom for who, whom in self.database.blocks if who == blocker and whom > after)
        return [self.database.users[user] for user in blocked][:limit]
