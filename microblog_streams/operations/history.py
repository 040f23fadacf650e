"""What a timeline would hold, read from the truth: PostgreSQL says whom somebody follows, Cassandra what they wrote.

Rebuilding a cold timeline and paging past the kept entries are both this merge. An owner counts among the authors.
"""

import asyncio
import heapq
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from microblog_streams.ids import encode_entry
from microblog_streams.stores.interfaces import FollowStore, PostStore

#: Authors read at a time, by one merge. The post store bounds all merges of a worker together.
CONCURRENT_AUTHORS = 64


@dataclass(frozen=True)
class History:
    """Merges the posts of everyone whom somebody follows."""

    follows: FollowStore
    posts: PostStore

    async def older(self, user: int, before: UUID | None, limit: int) -> list[bytes]:
        """Return the newest ``limit`` entries older than ``before``, newest first; fewer: there are no more."""

        async def read(author: int) -> Sequence[UUID]:
            return await self.posts.newest(author, before, limit)

        return heapq.nlargest(limit, await self._entries(user, read))

    async def newer(self, user: int, after: UUID, limit: int) -> list[bytes]:
        """Return the ``limit`` entries next above ``after``, newest first."""

        async def read(author: int) -> Sequence[UUID]:
            return await self.posts.oldest(author, after, limit)

        return heapq.nsmallest(limit, await self._entries(user, read))[::-1]

    async def _entries(self, user: int, read: Callable[[int], Awaitable[Sequence[UUID]]]) -> list[bytes]:
        room = asyncio.Semaphore(CONCURRENT_AUTHORS)

        async def entries(author: int) -> list[bytes]:
            async with room:
                return [encode_entry(post_id, author) for post_id in await read(author)]

        authors = {user, *await self.follows.followees(user)}
        return [entry for part in await asyncio.gather(*map(entries, authors)) for entry in part]
