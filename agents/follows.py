"""Brings follows and unfollows into the followers table, and onto the follower's timeline."""

from faust.types import StreamT

from agents.application import Application
from microblog_streams.delivery import deliver
from microblog_streams.domain.events import EdgeChanged, Followed, Unfollowed
from microblog_streams.domain.topics import USER_FOLLOW, USER_UNFOLLOW


def register(app: Application) -> None:
    """Declare the agent."""

    @app.agent(app.stream_of(USER_FOLLOW, USER_UNFOLLOW), name="follows", isolated_partitions=True)
    async def follows(stream: StreamT[bytes]) -> None:
        """Keep the followers table, and backfill or purge the timelines of followers."""
        events: dict[str, type[EdgeChanged]] = {
            app.topic_name(USER_FOLLOW): Followed,
            app.topic_name(USER_UNFOLLOW): Unfollowed,
        }
        edges = app.operations.edges
        await deliver(app.processor_pool, stream, events, edges.settle, record=edges.record)
