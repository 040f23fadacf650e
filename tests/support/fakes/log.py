"""The log in memory."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from microblog_streams.domain.errors import BrokerUnavailable, StoreUnavailable
from microblog_streams.domain.events import PostCreated
from microblog_streams.domain.ids import encode_entry
from microblog_streams.domain.topics import POST_CREATED


@dataclass(frozen=True, slots=True)
class Published:
    """An event as it stands in the log."""

    topic: str
    key: bytes
    value: bytes
    headers: dict[str, str]
    generation: int | None = None


@dataclass
class FakeLog:
    """An ``EventLog`` that keeps what it was given. While ``away`` it raises BrokerUnavailable; it can be held up."""

    away: bool = False
    events: list[Published] = field(default_factory=list)
    #: Publishes wait until this is set.
    open: asyncio.Event = field(default_factory=asyncio.Event)
    #: Publishes that were begun, and looks at the newest posts.
    begun: int = 0
    looked: int = 0

    def __post_init__(self) -> None:
        self.open.set()

    async def newest(self, limit: int) -> Sequence[bytes]:
        """The ``NewestPosts``: the entries of all posts in the log, in any order."""
        if self.away:
            raise StoreUnavailable("kafka", "away")
        self.looked += 1
        posts = [PostCreated.model_validate_json(each.value) for each in self.events if each.topic == POST_CREATED]
        return [encode_entry(post.post_id, post.user_id) for post in posts[-limit:]]

    async def publish(
        self,
        topic: str,
        key: bytes,
        value: bytes,
        headers: Mapping[str, str] | None = None,
        generation: int | None = None,
    ) -> None:
        self.begun += 1
        await self.open.wait()
        await asyncio.sleep(0)
        if self.away:
            raise BrokerUnavailable("away")
        self.events.append(Published(topic, key, value, dict(headers or {}), generation))
