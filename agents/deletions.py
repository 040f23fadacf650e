"""Applies deletions: a deleted post's flag in the store, a deleted user's tombstone and their posts' flags."""

from faust.types import StreamT

from agents.application import Application
from microblog_streams.delivery import deliver
from microblog_streams.delivery.processor_pool import ProcessorPool
from microblog_streams.domain.events import PostDeleted, UserDeleted
from microblog_streams.domain.topics import POST_DELETED, USER_DELETED
from microblog_streams.operations import Operations


def register(app: Application, pool: ProcessorPool, operations: Operations) -> None:
    """Declare the agent."""

    @app.agent(app.stream_of(POST_DELETED, USER_DELETED), name="deletions", isolated_partitions=True)
    async def deletions(stream: StreamT[bytes]) -> None:
        """Apply the deletions of posts and users."""
        events: dict[str, type[PostDeleted | UserDeleted]] = {
            app.topic_name(POST_DELETED): PostDeleted,
            app.topic_name(USER_DELETED): UserDeleted,
        }
        await deliver(pool, stream, events, operations.deletions.apply, record=operations.deletions.record)
