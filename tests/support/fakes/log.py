"""The log in memory."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from microblog_streams.domain.errors import BrokerUnavailable


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
    #: Publishes that were begun.
    begun: int = 0

    def __post_init__(self) -> None:
        self.open.set()

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
