"""Fans a new post out to the timelines of all who follow its author."""

from faust.types import StreamT

from agents.application import Application
from microblog_streams.delivery import deliver
from microblog_streams.delivery.processor_pool import ProcessorPool
from microblog_streams.domain.events import PostCreated
from microblog_streams.domain.topics import POST_CREATED
from microblog_streams.operations import Operations


def register(app: Application, pool: ProcessorPool, operations: Operations) -> None:
    """Declare the agent."""

    @app.agent(app.stream_of(POST_CREATED), name="fan_out", isolated_partitions=True)
    async def fan_out(stream: StreamT[bytes]) -> None:
        """Push new posts to the timelines of their authors' followers."""
        events = {app.topic_name(POST_CREATED): PostCreated}
        await deliver(pool, stream, events, operations.fan_out.deliver)
