"""Merge read: a timeline's entries from the truth, PostgreSQL's followees and their posts in Cassandra.

Used to rebuild a cold timeline, and to page past its kept entries. The owner is one of the authors. An author is read
in portions, and only while the next portion can still contribute to the page: of 5,000 followees most posted nothing
lately.
"""

import asyncio
from bisect import bisect_left, insort
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple
from uuid import UUID

from microblog_streams.aio.ttl_cache import TtlCache
from microblog_streams.domain.ids import encode_entry
from microblog_streams.ports import FollowStore, PostStore

#: Authors that one merge reads concurrently. The post store limits all merges of a worker together.
CONCURRENT_AUTHORS = 64
#: Posts in the first read of an author, at least: about what Cassandra reads in one request anyway.
FIRST_PORTION_POSTS = 25

Read = Callable[[int, UUID | None, int], Awaitable[Sequence[UUID]]]


@dataclass
class EntryWindow:
    """The best ``limit`` of all entries that were put: the highest ones if ``down``, else the lowest."""

    limit: int
    down: bool
    ascending: list[bytes] = field(default_factory=list)

    def put(self, entry: bytes) -> bool:
        """Add an entry; return whether entries beyond it can still be among the ``limit``."""
        insort(self.ascending, entry)
        if len(self.ascending) > self.limit:
            self.ascending.pop(0 if self.down else -1)
        return self.wants_beyond(entry)

    def wants_beyond(self, entry: bytes) -> bool:
        """Return whether entries beyond this one can still be among the ``limit``."""
        if len(self.ascending) < self.limit:
            return True
        return entry > self.ascending[0] if self.down else entry < self.ascending[-1]


#: Entries kept beyond a page: 20 pages. They cost little, as a merge reads 25 posts of each author anyway.
READ_AHEAD_ENTRIES: Final = 400
#: Readers of a worker for whom entries are kept, some 30 KB each, and for how many seconds.
MAX_READERS: Final = 256
READ_AHEAD_SECONDS: Final = 30.0


class Run(NamedTuple):
    """All entries from ``top`` down to some entry, oldest first; ``whole``: there are none below."""

    top: UUID
    ascending: Sequence[bytes]
    whole: bool

    def below(self, position: UUID, limit: int) -> list[bytes] | None:
        """Return the newest ``limit`` entries below a position, newest first; None where the run is too short."""
        end = bisect_left(self.ascending, position.bytes)
        if position > self.top or (end < limit and not self.whole):
            return None
        return list(self.ascending[max(end - limit, 0) : end][::-1])


class ReadAhead:
    """The last run of each recent reader, for their next pages."""

    def __init__(self) -> None:
        """Keep none yet."""
        self._runs: TtlCache[int, tuple[Run, int]] = TtlCache(MAX_READERS, READ_AHEAD_SECONDS)

    def below(self, user: int, followees: Sequence[int], position: UUID, limit: int) -> list[bytes] | None:
        """Return a reader's page, newest first; None where it is not kept, or the followees have changed."""
        run, people = self._runs.get(user) or (None, 0)
        return run.below(position, limit) if run and people == _digest(followees) else None

    def keep(self, user: int, followees: Sequence[int], run: Run) -> None:
        """Keep a run for a reader with these followees."""
        self._runs.put(user, (run, _digest(followees)), self._runs.begin_lookup())


def _digest(people: Sequence[int]) -> int:
    """Return a hash: 20,000 ids are too many to keep."""
    return hash(tuple(people))


@dataclass(frozen=True)
class MergeRead:
    """Merges the posts of a user and their followees."""

    follows: FollowStore
    posts: PostStore
    read_ahead: ReadAhead = field(default_factory=ReadAhead)

    async def older(self, user: int, before: UUID | None, limit: int) -> list[bytes]:
        """Return the newest ``limit`` entries older than ``before``, newest first; fewer: there are no more."""
        if before is None:
            return await self.put_older(user, before, EntryWindow(limit, down=True))
        followees = await self.follows.followees(user)
        if (page := self.read_ahead.below(user, followees, before, limit)) is not None:
            return page
        wanted = limit + READ_AHEAD_ENTRIES
        entries = await self._merge({user, *followees}, before, EntryWindow(wanted, down=True), self.posts.newest)
        self.read_ahead.keep(user, followees, Run(before, entries[::-1], whole=len(entries) < wanted))
        return entries[:limit]

    async def put_older(self, user: int, before: UUID | None, window: EntryWindow) -> list[bytes]:
        """Do the same into a window that the caller may look into before the end; until then it may have holes."""
        return await self._merge(await self.authors(user), before, window, self.posts.newest)

    async def newest(self, authors: Collection[int], limit: int) -> list[bytes]:
        """Return the newest ``limit`` entries of these authors, newest first."""
        return await self._merge(authors, None, EntryWindow(limit, down=True), self.posts.newest)

    async def newer(self, user: int, after: UUID, limit: int) -> list[bytes]:
        """Return the ``limit`` entries next above ``after``, newest first."""

        async def read(author: int, position: UUID | None, count: int) -> Sequence[UUID]:
            return await self.posts.oldest(author, position or after, count)

        return await self._merge(await self.authors(user), after, EntryWindow(limit, down=False), read)

    async def authors(self, user: int) -> Collection[int]:
        """Return the authors of a timeline: the owner and their followees."""
        return {user, *await self.follows.followees(user)}

    async def _merge(
        self, authors: Collection[int], position: UUID | None, window: EntryWindow, read: Read
    ) -> list[bytes]:
        positions: Mapping[int, UUID | None] = dict.fromkeys(authors, position)
        portion = max(FIRST_PORTION_POSTS, 2 * window.limit // len(positions))
        while positions:
            portion = min(portion, window.limit)
            ends = await _round(positions, portion, window, read)
            positions = {author: end for author, end in ends.items() if window.wants_beyond(encode_entry(end, author))}
            portion *= 2
        return window.ascending[::-1]


async def _round(
    positions: Mapping[int, UUID | None], portion: int, window: EntryWindow, read: Read
) -> dict[int, UUID]:
    """Put the next portion of each author; return the last ids of the authors that may have more."""
    ends: dict[int, UUID] = {}
    waiting = iter(positions.items())

    async def work() -> None:
        for author, position in waiting:
            ids = await read(author, position, portion)
            if all(window.put(encode_entry(post_id, author)) for post_id in ids) and len(ids) == portion:
                ends[author] = ids[-1]

    try:
        # In a group, one failure cancels all other reads, whose results would not be used.
        async with asyncio.TaskGroup() as group:
            for _ in range(min(CONCURRENT_AUTHORS, len(positions))):
                group.create_task(work())
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return ends
