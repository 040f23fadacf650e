"""Batched reads of the author index: one request for several authors that are read in the same turn of the event loop.

A rebuild reads all of a user's followees concurrently. A request for one author costs the worker some 0.4 ms; a request
for ten authors costs a fraction of that for each.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

from microblog_streams.aio.batcher import set_outcome
from microblog_streams.stores.cassandra.connection import Cassandra, Rows

OLDER: Final = "SELECT post_id, deleted FROM posts_by_author WHERE author = ? AND post_id < ? LIMIT ?"
OLDER_OF_MANY: Final = (
    "SELECT author, post_id, deleted FROM posts_by_author WHERE author IN ? AND post_id < ? PER PARTITION LIMIT ?"
)

#: Limits of one request. ``Cassandra.execute`` returns only the first 5,000 rows of an answer.
MAX_AUTHORS_PER_READ, MAX_ROWS_PER_READ = 10, 5_000


class IndexRange(NamedTuple):
    """The newest ``limit`` rows of an author below a position, read with an execution profile."""

    position: UUID
    limit: int
    profile: object


class _Waiter(NamedTuple):
    author: int
    rows: "asyncio.Future[Rows]"


class AuthorIndex:
    """Rows (post id, deleted) of authors, newest first."""

    def __init__(self, cassandra: Cassandra) -> None:
        """Register the statements for ``connect``."""
        self._cassandra = cassandra
        cassandra.prepare_on_connect(OLDER, OLDER_OF_MANY)
        self._waiting: dict[IndexRange, list[_Waiter]] = {}
        self._reading: set[asyncio.Task[None]] = set()

    async def older(self, author: int, part: IndexRange) -> Rows:
        """Return a range of an author's index. Raises StoreUnavailable."""
        loop = asyncio.get_running_loop()
        if part not in self._waiting:
            self._waiting[part] = []
            loop.call_soon(self._send, part)
        waiter = _Waiter(author, loop.create_future())
        self._waiting[part].append(waiter)
        return await waiter.rows

    def _send(self, part: IndexRange) -> None:
        waiters = self._waiting.pop(part)
        size = max(1, min(MAX_AUTHORS_PER_READ, MAX_ROWS_PER_READ // part.limit))
        for start in range(0, len(waiters), size):
            reading = asyncio.create_task(self._answer(waiters[start : start + size], part))
            self._reading.add(reading)
            reading.add_done_callback(self._reading.discard)

    async def _answer(self, waiters: Sequence[_Waiter], part: IndexRange) -> None:
        waiting = [waiter for waiter in waiters if not waiter.rows.done()]  # the others were cancelled
        try:
            found = await self._read(sorted({waiter.author for waiter in waiting}), part) if waiting else {}
        except Exception as exc:
            for waiter in waiting:
                set_outcome(waiter.rows, exc)
        else:
            for waiter in waiting:
                set_outcome(waiter.rows, found.get(waiter.author, []))

    async def _read(self, authors: list[int], part: IndexRange) -> dict[int, Rows]:
        if len(authors) == 1:
            parameters = (authors[0], part.position, part.limit)
            return {authors[0]: await self._cassandra.execute(OLDER, parameters, part.profile)}
        found: dict[int, Rows] = defaultdict(list)
        parameters_of_many = (authors, part.position, part.limit)
        for author, *row in await self._cassandra.execute(OLDER_OF_MANY, parameters_of_many, part.profile):
            found[author].append(tuple(row))
        return found
