"""What an agent needs from the application."""

from collections.abc import Callable
from typing import Any, Protocol

from faust.types import TopicT


class Application(Protocol):
    """Faust's decorator for agents, and the topics that they read."""

    def agent(self, channel: TopicT, *, name: str, isolated_partitions: bool) -> Callable[..., Any]:
        """Return Faust's decorator; with isolated partitions there is one actor for each partition."""
        ...

    def stream_of(self, *logical: str) -> TopicT:
        """Return topics, by their logical names, as one channel of raw bytes."""
        ...

    def topic_name(self, logical: str) -> str:
        """Return a topic's name in Kafka."""
        ...
