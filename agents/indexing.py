"""Writes posts and users into the search index. Runs in the search indexer, a consumer group of its own."""

from faust.types import StreamT

from agents.application import Application
from microblog_streams.delivery import deliver
from microblog_streams.delivery.processor_pool import ProcessorPool
from microblog_streams.domain.events import Event, PostCreated, PostDeleted, UserChanged, UserCreated, UserDeleted
from microblog_streams.domain.topics import (
    POST_CREATED,
    POST_DELETED,
    SEARCHED,
    USER_CHANGED,
    USER_CREATED,
    USER_DELETED,
)
from microblog_streams.search.indexer import Indexer

_EVENTS: dict[str, type[Event]] = {
    POST_CREATED: PostCreated,
    POST_DELETED: PostDeleted,
    USER_CREATED: UserCreated,
    USER_CHANGED: UserChanged,
    USER_DELETED: UserDeleted,
}


def register(app: Application, pool: ProcessorPool, indexer: Indexer) -> None:
    """Declare the agent."""

    @app.agent(app.stream_of(*SEARCHED), name="indexing", isolated_partitions=True)
    async def indexing(stream: StreamT[bytes]) -> None:
        """Write the documents of posts and users."""
        events = {app.topic_name(topic): _EVENTS[topic] for topic in SEARCHED}
        await deliver(pool, stream, events, indexer.apply)
