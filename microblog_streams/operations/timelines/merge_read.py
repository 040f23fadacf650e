"""What a timeline would hold, read from the truth: PostgreSQL says whom somebody follows, Cassandra what they wrote.

Rebuilding a cold timeline and paging past the kept entries are both this merge. An owner counts among the authors.
Of each author hardly more is read than may be part of the answer: of 5,000 followees most wrote nothing of late.
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
        """Take an entry; tell whether ``goes_on`` after it."""
        insort(self.ascending, entry)
        if len(self.ascending) > self.limit:
            self.ascending.pop(0 if self.down else -1)
        return self.goes_on(entry)

    def goes_on(self, entry: bytes) -> bool:
        """Tell whether entries further on than this one can still be among the ``limit``."""
        if len(self.ascending) < self.limit:
            return True
        return entry > self.ascending[0] if self.down else entry < self.ascending[-1]


#: Entries beyond a page: 20 pages more. They cost a merge little, which reads 25 posts of each author anyway.
BEYOND: Final = 400
#: Readers of a worker for whom they are kept, some 30 KB each, and for how many seconds.
READERS: Final = 256
SECONDS: Final = 30.0


class Run(NamedTuple):
    """Entries below a position without a hole, oldest first; ``whole``: there are no more below them."""

    top: UUID
    ascending: Sequence[bytes]
    whole: bool

    def below(self, position: UUID, limit: int) -> list[bytes] | None:
        """Return the newest ``limit`` entries below a position, newest first; None where it does not reach so far."""
        end = bisect_left(self.ascending, position.bytes)
        if position > self.top or (end < limit and not self.whole):
            return None
        return list(self.ascending[max(end - limit, 0) : end][::-1])


class ReadAhead:
    """The last run of each of those who read lately."""

    def __init__(self) -> None:
        """Begin with none."""
        self._runs: TtlCache[int, tuple[Run, int]] = TtlCache(READERS, SECONDS)

    def below(self, user: int, followees: Sequence[int], position: UUID, limit: int) -> list[bytes] | None:
        """Return a reader's page, newest first; None where a merge has to tell."""
        run, people = self._runs.get(user) or (None, 0)
        return run.below(position, limit) if run and people == _digest(followees) else None

    def keep(self, user: int, followees: Sequence[int], run: Run) -> None:
        """Keep what a merge found for a reader who follows these people."""
        self._runs.put(user, (run, _digest(followees)), self._runs.begin_lookup())


def _digest(people: Sequence[int]) -> int:
    """Return what stands for people: 20,000 are too many to keep."""
    return hash(tuple(people))


@dataclass(frozen=True)
class History:
    """Merges the posts of everyone whom somebody follows."""

    follows: FollowStore
    posts: PostStore
    ahead: ReadAhead = field(default_factory=ReadAhead)

    async def older(self, user: int, before: UUID | None, limit: int) -> list[bytes]:
        """Return the newest ``limit`` entries older than ``before``, newest first; fewer: there are no more."""
        if before is None:
            return await self.put_older(user, before, Part(limit, down=True))
        followees = await self.follows.followees(user)
        if (page := self.ahead.below(user, followees, before, limit)) is not None:
            return page
        most = limit + BEYOND
        entries = await self._merge({user, *followees}, before, Part(most, down=True), self.posts.newest)
        self.ahead.keep(user, followees, Run(before, entries[::-1], whole=len(entries) < most))
        return entries[:limit]

    async def put_older(self, user: int, before: UUID | None, part: Part) -> list[bytes]:
        """Do the same with a part that the caller can look into meanwhile: what it holds by then may have holes."""
        return await self._merge(await self.authors(user), before, part, self.posts.newest)

    async def newer(self, user: int, after: UUID, limit: int) -> list[bytes]:
        """Return the ``limit`` entries next above ``after``, newest first."""

        async def read(author: int, position: UUID | None, count: int) -> Sequence[UUID]:
            return await self.posts.oldest(author, position or after, count)

        return await self._merge(await self.authors(user), after, Part(limit, down=False), read)

    async def authors(self, user: int) -> Collection[int]:
        """Return whose posts a timeline holds: the owner's, and those of everyone whom they follow."""
        return {user, *await self.follows.followees(user)}

    async def _merge(self, authors: Collection[int], position: UUID | None, part: Part, read: Read) -> list[bytes]:
        positions: Mapping[int, UUID | None] = dict.fromkeys(authors, position)
        portion = max(PORTION, 2 * part.limit // len(positions))
        while positions:
            portion = min(portion, part.limit)
            ends = await _round(positions, portion, part, read)
            positions = {author: end for author, end in ends.items() if part.goes_on(encode_entry(end, author))}
            portion *= 2
        return part.ascending[::-1]


async def _round(positions: Mapping[int, UUID | None], portion: int, part: Part, read: Read) -> dict[int, UUID]:
    """Put the next portion of each author. Return the last ids of those who may have more."""
    ends: dict[int, UUID] = {}
    waiting = iter(positions.items())

    async def work() -> None:
        for author, position in waiting:
            ids = await read(author, position, portion)
            if all(part.put(encode_entry(post_id, author)) for post_id in ids) and len(ids) == portion:
                ends[author] = ids[-1]

    try:
        # A group, because one failure ends all other reads: they would go on for nobody while the store is slow.
        async with asyncio.TaskGroup() as group:
            for _ in range(min(CONCURRENT_AUTHORS, len(positions))):
                group.create_task(work())
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return ends
