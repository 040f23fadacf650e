"""What a timeline is made of when its list is cold, or ends above the page.

A home timeline is a merge read of its authors' posts. The public timeline has no such truth: no store has an index of
the posts of everybody. It is the end of the log, whose newest posts are as many as a list keeps, and goes back as far
as the log does. Below its list there is nothing: older posts are on their authors' pages.

A small community may write less in that time than a list keeps. Up to ``MAX_MERGED_AUTHORS`` users are few enough to
merge the posts of all, so there the public timeline does not depend on how long the log keeps events.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf
from time import monotonic
from typing import Final, Protocol
from uuid import UUID

from microblog_streams.domain.ids import PUBLIC, entry_post_id
from microblog_streams.operations.timelines.merge_read import EntryWindow, MergeRead
from microblog_streams.ports import NewestPosts, UserStore

#: Users whose posts are merged where the log has few: a hundred requests to Cassandra.
MAX_MERGED_AUTHORS: Final = 1_000
#: Seconds for which the newest posts are kept, for reads without Redis and beyond the list.
KEPT_SECONDS: Final = 10.0


class Source(Protocol):
    """Entries of a timeline, from where they are not lost with Redis. All methods raise StoreUnavailable."""

    async def older(self, user: int, before: UUID | None, limit: int) -> list[bytes]:
        """Return the newest ``limit`` entries older than ``before``, newest first; fewer: there are no more."""
        ...

    async def newer(self, user: int, after: UUID, limit: int) -> list[bytes]:
        """Return the ``limit`` entries next above ``after``, newest first."""
        ...

    async def put_older(self, user: int, before: UUID | None, window: EntryWindow) -> list[bytes]:
        """Return what ``older`` does, by way of a window that the caller may look into before the end."""
        ...


@dataclass
class PublicPosts:
    """The newest posts of everybody. ``kept``: how many of them a list keeps."""

    log: NewestPosts
    users: UserStore
    merge_read: MergeRead
    kept: int
    _newest: Sequence[bytes] = ()
    _read_at: float = -inf
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def newest(self, max_age_seconds: float = KEPT_SECONDS) -> Sequence[bytes]:
        """Return the entries, newest first, as they were at most so long ago."""
        asked_at = monotonic()
        async with self._reading:
            if self._read_at < asked_at - max_age_seconds:
                read_at = monotonic()
                self._newest, self._read_at = await self._read(), read_at
            return self._newest

    async def _read(self) -> Sequence[bytes]:
        entries = {*await self.log.newest(self.kept)}
        if len(entries) < self.kept:
            # Suspended ones too: reading hides their posts, and must find them again after a restoration.
            authors = await self.users.ids(0, MAX_MERGED_AUTHORS + 1)
            if authors and len(authors) <= MAX_MERGED_AUTHORS:
                entries |= {*await self.merge_read.newest(authors, self.kept)}
        return sorted(entries, reverse=True)[: self.kept]


@dataclass(frozen=True)
class Sources:
    """The ``Source`` of every timeline; PUBLIC stands for the public one's user."""

    merge_read: MergeRead
    public: PublicPosts

    async def older(self, user: int, before: UUID | None, limit: int) -> list[bytes]:
        """Return the newest ``limit`` entries older than ``before``, newest first; fewer: there are no more."""
        if user != PUBLIC:
            return await self.merge_read.older(user, before, limit)
        entries = await self.public.newest()
        return [entry for entry in entries if before is None or entry_post_id(entry) < before][:limit]

    async def newer(self, user: int, after: UUID, limit: int) -> list[bytes]:
        """Return the ``limit`` entries next above ``after``, newest first.

        Where ``after`` is older than all public posts that are kept, these are the oldest of them.
        """
        if user != PUBLIC:
            return await self.merge_read.newer(user, after, limit)
        above = [entry for entry in await self.public.newest() if entry_post_id(entry) > after]
        return above[-limit:]

    async def put_older(self, user: int, before: UUID | None, window: EntryWindow) -> list[bytes]:
        """Return what ``older`` does, by way of a window; public posts are read anew, and not from ``before`` on."""
        if user != PUBLIC:
            return await self.merge_read.put_older(user, before, window)
        for entry in await self.public.newest(max_age_seconds=0.0):
            window.put(entry)
        return window.ascending[::-1]
