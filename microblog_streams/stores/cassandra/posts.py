"""Posts, in Cassandra: one table holds each text once, the other is every author's list of ids, newest first.

Writes carry the time of the post's id, not of the clock, and a deletion one second more. So a write can be repeated,
come late or come twice, and a deletion wins over its post in any order.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Final
from uuid import UUID

from microblog_streams.domain.ids import post_millis
from microblog_streams.domain.models import Post
from microblog_streams.stores.cassandra.author_index import AuthorIndex, IndexRange
from microblog_streams.stores.cassandra.connection import Cassandra, Rows, Write
from microblog_streams.stores.cassandra.driver import STRONG
from microblog_streams.stores.cassandra.post_batch_writer import PostBatchWriter

PUT_BODY: Final = "INSERT INTO posts_by_id (post_id, author, content) VALUES (?, ?, ?) USING TIMESTAMP ?"
PUT_INDEX: Final = "INSERT INTO posts_by_author (author, post_id) VALUES (?, ?) USING TIMESTAMP ?"
DELETE_BODY: Final = (
    "INSERT INTO posts_by_id (post_id, author, content, deleted) VALUES (?, ?, '', true) USING TIMESTAMP ?"
)
DELETE_INDEX: Final = "INSERT INTO posts_by_author (author, post_id, deleted) VALUES (?, ?, true) USING TIMESTAMP ?"
BODIES: Final = "SELECT post_id, author, content, deleted FROM posts_by_id WHERE post_id IN ?"
NEWER: Final = (
    "SELECT post_id, deleted FROM posts_by_author WHERE author = ? AND post_id > ? ORDER BY post_id ASC LIMIT ?"
)
INDEXED: Final = "SELECT post_id, deleted FROM posts_by_author WHERE author = ? AND post_id IN ?"
#: In the order of the partitions' tokens, and of ids by no means.
FIRST: Final = "SELECT post_id, author, content, deleted FROM posts_by_id LIMIT ?"
NEXT: Final = "SELECT post_id, author, content, deleted FROM posts_by_id WHERE token(post_id) > token(?) LIMIT ?"

#: Microseconds that a deletion's writes are younger than the post's: more than any rounding, and the same for all.
DELETION_OFFSET_US: Final = 1_000_000
#: Of many deletions, texts of one request, each in a partition of its own, and index rows of one, all in the author's:
#: Cassandra warns of more than 10 partitions or 5 KiB.
MAX_TEXTS_PER_BATCH, MAX_INDEX_ROWS_PER_BATCH = 10, 50
#: Ids in one multi-get. Measured for 40 posts: four of 10 side by side p50 3 ms, one of 40 2.5 to 5, 40 single 6 to 13.
MAX_IDS_PER_READ: Final = 10
#: Index rows in one read: at least, because rows are small and deleted ones come on top; at most, so that an author
#: who deleted everything is read in bounded steps.
MIN_INDEX_ROWS, MAX_INDEX_ROWS = 20, 1_000
#: Above every post id (a UUID of version 7 with all other bits set).
ABOVE_ALL: Final = UUID(int=2**128 - 1 - (0x8 << 76))


class Posts:
    """The post store (``interfaces.PostStore``)."""

    def __init__(self, cassandra: Cassandra) -> None:
        """Share a connection; have the statements prepared when it connects."""
        self._cassandra = cassandra
        cassandra.prepare_on_connect(
            PUT_BODY, PUT_INDEX, DELETE_BODY, DELETE_INDEX, BODIES, NEWER, INDEXED, FIRST, NEXT
        )
        self._index = AuthorIndex(cassandra)
        self._writes = PostBatchWriter(self._put, cassandra.timeout)

    async def put(self, post: Post) -> None:
        """Write a post to both tables, at LOCAL_QUORUM, together with others of the moment."""
        await self._writes(post)

    async def _put(self, posts: Sequence[Post]) -> None:
        await self._cassandra.write(*(row for post in posts for row in _rows(post)))

    async def delete(self, post_id: UUID, author: int) -> None:
        """Flag a post and empty its text, also before it was written, at LOCAL_QUORUM."""
        deleted = _micros(post_id) + DELETION_OFFSET_US
        await self._cassandra.write(
            (DELETE_BODY, (post_id, author, deleted)),
            (DELETE_INDEX, (author, post_id, deleted)),
        )

    async def delete_all(self, author: int, ids: Sequence[UUID]) -> None:
        """Flag posts of an author and empty their texts, at LOCAL_QUORUM: every text before the first index row."""
        flags = [(post_id, _micros(post_id) + DELETION_OFFSET_US) for post_id in ids]
        await self._write_all([(DELETE_BODY, (post_id, author, at)) for post_id, at in flags], MAX_TEXTS_PER_BATCH)
        await self._write_all(
            [(DELETE_INDEX, (author, post_id, at)) for post_id, at in flags], MAX_INDEX_ROWS_PER_BATCH
        )

    async def _write_all(self, writes: Sequence[Write], size: int) -> None:
        parts = [writes[start : start + size] for start in range(0, len(writes), size)]
        await asyncio.gather(*(self._cassandra.write(*part) for part in parts))

    async def get_many(self, ids: Collection[UUID]) -> Mapping[UUID, Post]:
        """Return those posts that are there, at LOCAL_QUORUM.

        Not at ONE, although views call it: what it returns is cached for a day, and a replica that missed the
        deletion would bring the post back for as long.
        """
        wanted = list(ids)
        chunks = [wanted[start : start + MAX_IDS_PER_READ] for start in range(0, len(wanted), MAX_IDS_PER_READ)]
        answers = await asyncio.gather(*(self._cassandra.execute(BODIES, (chunk,)) for chunk in chunks))
        return {post.id: post for rows in answers for post in _posts(rows)}

    async def indexed(self, author: int, ids: Collection[UUID]) -> Mapping[UUID, bool]:
        """Return what the author's index says of those posts that it has: whether they are deleted (LOCAL_QUORUM)."""
        wanted = list(ids)
        chunks = [wanted[start : start + MAX_INDEX_ROWS] for start in range(0, len(wanted), MAX_INDEX_ROWS)]
        answers = await asyncio.gather(*(self._cassandra.execute(INDEXED, (author, chunk)) for chunk in chunks))
        return {post_id: bool(deleted) for rows in answers for post_id, deleted in rows}

    async def scan(self, after: UUID | None, limit: int) -> Sequence[Post]:
        """Return the next of all posts, at LOCAL_QUORUM. Two ids of one token (2^64 of them) count as one."""
        if after is None:
            return _posts(await self._cassandra.execute(FIRST, (limit,)))
        return _posts(await self._cassandra.execute(NEXT, (after, limit)))

    async def newest(self, author: int, before: UUID | None, limit: int) -> Sequence[UUID]:
        """Return the newest undeleted ids below ``before``, newest first, at LOCAL_QUORUM.

        Not at ONE, also for a page: its cursor is the last of them, and what a replica missed would be passed for good.
        """

        async def read(position: UUID, size: int) -> Rows:
            return await self._index.older(author, IndexRange(position, size, STRONG))

        return await _read_on(read, before or ABOVE_ALL, limit)

    async def oldest(self, author: int, after: UUID, limit: int) -> Sequence[UUID]:
        """Return the oldest undeleted ids above ``after``, oldest first."""

        async def read(position: UUID, size: int) -> Rows:
            return await self._cassandra.execute(NEWER, (author, position, size), STRONG)

        return await _read_on(read, after, limit)


async def _read_on(read: Callable[[UUID, int], Awaitable[Rows]], position: UUID, limit: int) -> list[UUID]:
    """Read the index from a position on, past deleted posts, until there are enough or no more."""
    found: list[UUID] = []
    size = max(limit, MIN_INDEX_ROWS)
    while len(found) < limit:
        size = min(size, MAX_INDEX_ROWS)
        rows = await read(position, size)
        found += [post_id for post_id, deleted in rows if not deleted]
        if len(rows) < size:
            break
        position, size = rows[-1][0], size * 2
    return found[:limit]


def _rows(post: Post) -> tuple[Write, Write]:
    written = _micros(post.id)
    return (
        (PUT_BODY, (post.id, post.author, post.content, written)),
        (PUT_INDEX, (post.author, post.id, written)),
    )


def _micros(post_id: UUID) -> int:
    """Return the time in a post id in microseconds, Cassandra's unit."""
    return post_millis(post_id) * 1_000


def _posts(rows: Rows) -> list[Post]:
    return [Post(post_id, author, content, bool(deleted)) for post_id, author, content, deleted in rows]
