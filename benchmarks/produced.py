"""Posts written into Kafka past the API: what workers deliver when no client waits for answers."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from aiokafka import AIOKafkaProducer

from benchmarks.load import CONTENT
from microblog_streams.config.settings import Settings
from microblog_streams.domain.events import PostCreated
from microblog_streams.domain.ids import encode_entry, new_post_id
from microblog_streams.domain.models import Post
from microblog_streams.domain.topics import POST_CREATED, topic_name
from microblog_streams.kafka.clients import client_options
from microblog_streams.stores.cassandra.connection import Cassandra
from microblog_streams.stores.cassandra.posts import Posts
from microblog_streams.stores.redis.caches import PostCache
from microblog_streams.stores.redis.connection import Redis

#: Posts that are stored at a time.
TOGETHER = 100


def new_posts(authors: Iterable[int]) -> list[PostCreated]:
    """Return the event of a post of each of the authors, in their order."""
    return [
        PostCreated(post_id=new_post_id(), user_id=author, content=CONTENT, created_at=datetime.now(UTC))
        for author in authors
    ]


def entries(events: Iterable[PostCreated]) -> list[bytes]:
    """Return what timelines hold of posts."""
    return [encode_entry(event.post_id, event.user_id) for event in events]


async def store_posts(settings: Settings, redis: Redis, events: Sequence[PostCreated]) -> None:
    """Store posts and say so in the cache, as the API does before most of its posts are fanned out."""
    cassandra, cache = Cassandra(settings), PostCache(redis)
    store = Posts(cassandra)
    await cassandra.connect()
    try:
        for start in range(0, len(events), TOGETHER):
            posts = [Post(event.post_id, event.user_id, event.content) for event in events[start : start + TOGETHER]]
            await asyncio.gather(*map(store.put, posts))
            await cache.fill(posts, stored=True)
    finally:
        await cassandra.close()


async def publish_posts(settings: Settings, events: Iterable[PostCreated]) -> None:
    """Write posts into Kafka, in their order."""
    async with AIOKafkaProducer(**client_options(settings)) as producer:
        for event in events:
            await producer.send(topic_name(POST_CREATED, 1), event.encode(), event.key)
