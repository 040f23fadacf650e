"""A user who follows many, made in seconds: rows in PostgreSQL without events, and posts in the post store.

So nothing of it is on any timeline: what the reader sees is what a rebuild finds. The authors' ids and the posts' times
have nothing to do with each other, as in life.
"""

import asyncio
import random
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

from microblog_streams.config.settings import Settings
from microblog_streams.domain.ids import new_post_id
from microblog_streams.domain.models import Post
from microblog_streams.stores.cassandra.connection import Cassandra
from microblog_streams.stores.cassandra.posts import Posts
from microblog_streams.stores.postgres.connection import Postgres

#: Posts written side by side.
_WRITERS: Final = 64
_SEED: Final = 2003
_AUTHORS: Final = """
INSERT INTO users (username, name_key)
SELECT name || number, name || number FROM generate_series(1, %s) AS number, (SELECT %s::text) AS given (name)
RETURNING id
"""
_FOLLOWS: Final = """
INSERT INTO follows (follower_id, followee_id, following, version, changed_at)
SELECT %s, author, true, 1, %s FROM unnest(%s::bigint[]) AS author
"""

_FOLLOWS_TOO: Final = """
INSERT INTO follows (follower_id, followee_id, following, version, changed_at)
SELECT follower, followee_id, true, 1, changed_at
  FROM follows, unnest(%s::bigint[]) AS follower WHERE follower_id = %s
"""


async def follow_too(settings: Settings, readers: Sequence[int], other: int) -> None:
    """Have ``readers`` follow everybody whom another one follows.

    A reader at a time: the store's time-out is that of a call of the API.
    """
    postgres = Postgres(settings)
    await postgres.connect()
    try:
        for reader in readers:
            async with postgres.transaction() as session:
                await session.execute(_FOLLOWS_TOO, [reader], other)
    finally:
        await postgres.close()


async def follow_many(settings: Settings, reader: int, count: int, posts: int) -> list[str]:
    """Have ``reader`` follow ``count`` new authors, who wrote ``posts`` posts in all; return these, newest first."""
    postgres, cassandra = Postgres(settings), Cassandra(settings)
    store = Posts(cassandra)
    await asyncio.gather(postgres.connect(), cassandra.connect())
    try:
        authors = await _authors(postgres, reader, count)
        written = _written(authors, posts)
        await _store(store, written)
        return [str(post.id) for post in reversed(written)]
    finally:
        await asyncio.gather(postgres.close(), cassandra.close())


async def _authors(postgres: Postgres, reader: int, count: int) -> list[int]:
    async with postgres.transaction() as session:
        authors = [author for (author,) in await session.fetch(_AUTHORS, count, f"many{uuid4().hex[:8]}")]
        await session.execute(_FOLLOWS, reader, datetime.now(UTC), authors)
    return authors


def _written(authors: Sequence[int], posts: int) -> list[Post]:
    rng = random.Random(_SEED)  # noqa: S311 - a draw that can be repeated, not a secret
    return [Post(new_post_id(), rng.choice(authors), f"Post {number}") for number in range(posts)]


async def _store(store: Posts, posts: Sequence[Post]) -> None:
    waiting = iter(posts)

    async def write() -> None:
        for post in waiting:
            await store.put(post)

    await asyncio.gather(*(write() for _ in range(_WRITERS)))
