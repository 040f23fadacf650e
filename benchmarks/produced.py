"""Posts written into Kafka past the API: what workers deliver when nobody waits for answers."""

from collections.abc import Iterable
from datetime import UTC, datetime

from aiokafka import AIOKafkaProducer

from benchmarks.load import CONTENT
from microblog_streams.events import PostCreated
from microblog_streams.ids import encode_entry, new_post_id
from microblog_streams.services.kafka_clients import client_options
from microblog_streams.settings import Settings
from microblog_streams.topics import POST_CREATED, topic_name


async def publish_posts(settings: Settings, authors: Iterable[int]) -> list[bytes]:
    """Write a post of each of the authors, in their order; return the posts' entries."""
    entries = []
    async with AIOKafkaProducer(**client_options(settings)) as producer:
        for author in authors:
            event = PostCreated(post_id=new_post_id(), user_id=author, content=CONTENT, created_at=datetime.now(UTC))
            await producer.send(topic_name(POST_CREATED, 1), event.encode(), event.key)
            entries.append(encode_entry(event.post_id, author))
    return entries
