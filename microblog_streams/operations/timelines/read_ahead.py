"""What a merge of many authors' posts found beyond its page, for the pages after it.

Past the kept entries each page is a merge over everybody whom somebody follows: of 2,000 people that is 200 requests,
and as many for the page below. So a merge goes on for some more pages, and those come from here. They are as right as
another merge's: they count only while the reader follows the same people, and what was deleted since drops out where
bodies are read. Only a post that is stored late, and is older than the page, may be missing until this is forgotten.
"""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

from microblog_streams.aio.ttl_cache import TtlCache

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
