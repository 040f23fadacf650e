"""Reads of the authors' index, several authors a request where they are asked for in the same turn of the event loop.

A rebuild reads from everyone whom somebody follows, side by side. One request an author keeps the worker busy with
requests (some 0.4 ms each); in one of ten authors an author costs it a fraction of that.
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

#: Authors of one request, at most; and its rows, because of an answer only the first 5,000 are read.
MAX_AUTHORS_PER_READ, MAX_ROWS_PER_READ = 10, 5_000


class IndexRange(NamedTuple):
    """What is read of an author: the newest ``limit`` rows below a position."""

    position: UUID
    limit: int
    profile: object


class _Waiter(NamedTuple):
    """Who waits for the rows of an author."""

    author: int
    rows: "asyncio.Future[Rows]"


class AuthorIndex:
    """Rows (post id, deleted) of authors, newest first."""

    def __init__(self, cassandra: Cassandra) -> None:
        """Share a connection; have the statements prepared when it connects."""
        self._cassandra = cassandra
        cassandra.prepare_on_connect(OLDER, OLDER_OF_MANY)
        self._waiting: dict[IndexRange, list[_Waiter]] = {}
        self._reading: set[asyncio.Task[None]] = set()

    async def older(self, author: int, part: IndexRange) -> Rows:
        """Return a part of an author's index. Raises StoreUnavailable."""
        loop = asyncio.get_running_loop()
        if part not in self._waiting:
            self._waiting[part] = []
            loop.call_soon(self._send, part)
        reader = _Waiter(author, loop.create_future())
        self._waiting[part].append(reader)
        return await reader.rows

    def _send(self, part: IndexRange) -> None:
        readers = self._waiting.pop(part)
        size = max(1, min(MAX_AUTHORS_PER_READ, MAX_ROWS_PER_READ // part.limit))
        for start in range(0, len(readers), size):
            reading = asyncio.create_task(self._answer(readers[start : start + size], part))
            self._reading.add(reading)
            reading.add_done_callback(self._reading.discard)

    async def _answer(self, readers: Sequence[_Waiter], part: IndexRange) -> None:
        waiting = [reader for reader in readers if not reader.rows.done()]  # the others have left
        try:
            found = await self._read(sorted({reader.author for reader in waiting}), part) if waiting else {}
        except Exception as exc:
            for reader in waiting:
                set_outcome(reader.rows, exc)
        else:
            for reader in waiting:
                set_outcome(reader.rows, found.get(reader.author, []))

    async def _read(self, authors: list[int], part: IndexRange) -> dict[int, Rows]:
        if len(authors) == 1:
            parameters = (authors[0], part.position, part.limit)
            return {authors[0]: await self._cassandra.execute(OLDER, parameters, part.profile)}
        found: dict[int, Rows] = defaultdict(list)
        parameters_of_many = (authors, part.position, part.limit)
        for author, *row in await self._cassandra.execute(OLDER_OF_MANY, parameters_of_many, part.profile):
            found[author].append(tuple(row))
        return found
