"""Applies changes of profiles to the cached users."""

from faust.types import StreamT

from agents.application import Application
from microblog_streams.delivery import deliver
from microblog_streams.delivery.processor_pool import ProcessorPool
from microblog_streams.domain.events import UserChanged
from microblog_streams.domain.topics import USER_CHANGED
from microblog_streams.operations import Operations


def register(app: Application, pool: ProcessorPool, operations: Operations) -> None:
    """Declare the agent."""

    @app.agent(app.stream_of(USER_CHANGED), name="profiles", isolated_partitions=True)
    async def profiles(stream: StreamT[bytes]) -> None:
        """Bring cached users in line with their changed profiles."""
        await deliver(pool, stream, {app.topic_name(USER_CHANGED): UserChanged}, operations.profiles.apply)
