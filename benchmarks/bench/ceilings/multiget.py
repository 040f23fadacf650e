"""Cassandra alone: a page's 20 posts by their ids, one statement from the bare driver, beside our own store's read.

    python -m benchmarks.bench.ceilings.multiget

Writes the posts, prints the reads a second of both. At the same consistency; the driver's answers are awaited as its
manual has it, by callbacks into the event loop.
"""

import asyncio
from uuid import UUID

from cassandra.cluster import Session
from cassandra.query import PreparedStatement

from benchmarks.bench.ceilings.clients import BARE, OURS, Rates, rate, report
from benchmarks.bench.ceilings.pushes import AUTHOR
from benchmarks.load import CONTENT
from microblog_streams.config.settings import load_settings
from microblog_streams.domain.ids import new_post_id
from microblog_streams.domain.models import Post
from microblog_streams.stores.cassandra.connection import Cassandra
from microblog_streams.stores.cassandra.driver import STRONG, Address, open_cluster
from microblog_streams.stores.cassandra.posts import BODIES, Posts

POSTS = 20


async def multiget() -> Rates:
    """Read the same posts again and again, by both."""
    settings = load_settings()
    cassandra = Cassandra(settings)
    posts, ids = Posts(cassandra), [new_post_id() for _ in range(POSTS)]
    await cassandra.connect()
    await asyncio.gather(*(posts.put(Post(ident, AUTHOR, CONTENT)) for ident in ids))
    cluster = open_cluster(settings)
    try:
        session = await asyncio.to_thread(cluster.connect, Address.of(settings).keyspace)
        prepared = await asyncio.to_thread(session.prepare, BODIES)
        return {BARE: await rate(lambda: _bare(session, prepared, ids)), OURS: await rate(lambda: posts.get_many(ids))}
    finally:
        await asyncio.to_thread(cluster.shutdown)
        await cassandra.close()


async def _bare(session: Session, prepared: PreparedStatement, ids: list[UUID]) -> None:
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[list[object]] = loop.create_future()

    def answered(rows: list[object]) -> None:
        loop.call_soon_threadsafe(answer.set_result, rows)

    def failed(error: Exception) -> None:
        loop.call_soon_threadsafe(answer.set_exception, error)

    session.execute_async(prepared, (ids,), execution_profile=STRONG).add_callbacks(answered, failed)
    if len(await answer) != POSTS:
        raise RuntimeError("not all posts are there")


if __name__ == "__main__":
    report(multiget())
