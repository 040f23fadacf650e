"""Applies follows and unfollows to the followers table and to the follower's timeline."""

from faust.types import StreamT

from agents.application import Application
from microblog_streams.delivery import deliver
from microblog_streams.delivery.processor_pool import ProcessorPool
from microblog_streams.domain.events import EdgeChanged, Followed, Unfollowed
from microblog_streams.domain.topics import USER_FOLLOW, USER_UNFOLLOW
from microblog_streams.operations import Operations


def register(app: Application, pool: ProcessorPool, operations: Operations) -> None:
    """Declare the agent."""

    @app.agent(app.stream_of(USER_FOLLOW, USER_UNFOLLOW), name="follows", isolated_partitions=True)
    async def follows(stream: StreamT[bytes]) -> None:
        """Write the followers table, and backfill or purge the followers' timelines."""
        events: dict[str, type[EdgeChanged]] = {
            app.topic_name(USER_FOLLOW): Followed,
            app.topic_name(USER_UNFOLLOW): Unfollowed,
        }
        edges = operations.edges
        await deliver(pool, stream, events, edges.apply, record=edges.record)
