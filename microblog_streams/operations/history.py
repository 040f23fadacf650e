"""What a timeline would hold, read from the truth: PostgreSQL says whom somebody follows, Cassandra what they wrote.

Rebuilding a cold timeline and paging past the kept entries are both this merge. An owner counts among the authors.
Of each author no more is read than may be part of the answer: most of 5,000 followees wrote nothing of late.
"""

import asyncio
from bisect import insort
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from microblog_streams.ids import encode_entry
from microblog_streams.stores.interfaces import FollowStore, PostStore

#: Authors read at a time, by one merge. The post store bounds all merges of a worker together.
CONCURRENT_AUTHORS = 64
#: Posts in the first read of an author, at least: about what the post store reads in one go anyway.
PORTION = 25

Read = Callable[[int, UUID | None, int], Awaitable[Sequence[UUID]]]


@dataclass
class Part:
    """The ``limit`` entries next to a position, of all that were put: the highest ones going down, else the lowest."""

    limit: int
    down: bool
    ascending: list[bytes] = field(default_factory=list)

    def put(self, entry: bytes) -> bool:
        """Take an entry. False where everything further on than it lies beyond the part, or it does so itself."""
        insort(self.ascending, entry)
        if len(self.ascending) > self.limit:
            self.ascending.pop(0 if self.down else -1)
        if len(self.ascending) < self.limit:
            return True
        return entry > self.ascending[0] if self.down else entry < self.ascending[-1]


@dataclass(frozen=True)
class History:
    """Merges the posts of everyone whom somebody follows."""

    follows: FollowStore
    posts: PostStore

    async def older(self, user: int, before: UUID | None, limit: int) -> list[bytes]:
        """Return the newest ``limit`` entries older than ``before``, newest first; fewer: there are no more."""
        return await self._merge(user, before, Part(limit, down=True), self.posts.newest)

    async def newer(self, user: int, after: UUID, limit: int) -> list[bytes]:
        """Return the ``limit`` entries next above ``after``, newest first."""

        async def read(author: int, position: UUID | None, count: int) -> Sequence[UUID]:
            return await self.posts.oldest(author, position or after, count)

        return await self._merge(user, after, Part(limit, down=False), read)

    async def _merge(self, user: int, position: UUID | None, part: Part, read: Read) -> list[bytes]:
        authors = {user, *await self.follows.followees(user)}
        portion = min(max(PORTION, 2 * part.limit // len(authors)), part.limit)
        room = asyncio.Semaphore(CONCURRENT_AUTHORS)

        async def put(author: int) -> None:
            async with room:
                await _put(author, position, portion, part, read)

        try:
            # A group, because one failure ends all other reads: they would go on for nobody while the store is slow.
            async with asyncio.TaskGroup() as group:
                for author in authors:
                    group.create_task(put(author))
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
        return part.ascending[::-1]


async def _put(author: int, position: UUID | None, portion: int, part: Part, read: Read) -> None:
    """Put an author's posts, in growing portions, until they lie beyond the part or there are no more."""
    while True:
        ids = await read(author, position, portion)
        if not all(part.put(encode_entry(post_id, author)) for post_id in ids) or len(ids) < portion:
            return
        position, portion = ids[-1], min(2 * portion, part.limit)
