"""The project's own agents on streams in memory, one lane a topic, over operations on stores in memory."""

import asyncio
import math
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from faust.events import Event as FaustEvent
from faust.types import TP
from faust.types.tuples import Message

import agents
from microblog_streams.delivery.lease import Heartbeat
from microblog_streams.delivery.offset_acks import RedisRestartMonitor
from microblog_streams.delivery.processor_pool import ProcessorLimits, ProcessorPool
from microblog_streams.domain.events import Event
from tests.support.fakes.delivery import FakeStream, Group
from tests.support.fakes.world import World
from tests.support.waiting import until

PARTITION = 3


class AgentsWorld:
    """Stands for the app: takes the agents, and feeds each topic's stream."""

    def __init__(self, window: int = 8) -> None:
        self.world = World()
        self.operations = self.world.operations
        self.group = Group()
        self.redis_restart_monitor = RedisRestartMonitor(self.world.timelines.run_id, 0.0)
        self.offsets: Counter[str] = Counter()
        self.streams: dict[str, FakeStream] = {}
        self.processor_pool = ProcessorPool(
            membership=self.group,
            heartbeat=Heartbeat(session=10.0, answered_at=math.inf),
            redis_restart_monitor=self.redis_restart_monitor,
            limits=ProcessorLimits(window, 1_000, "halt"),
            log=self.world.log,
            confirm=lambda message: asyncio.sleep(0),
            committed=lambda tp: asyncio.sleep(0, None),
            first_offset=lambda tp: asyncio.sleep(0, 0),
            rejoin=lambda reason: None,
        )
        self._running: list[asyncio.Task[None]] = []

    def stream_of(self, *names: str) -> tuple[str, ...]:
        return names

    def topic_name(self, name: str) -> str:
        return name

    def agent(self, topics: tuple[str, ...], *, name: str, isolated_partitions: bool) -> Callable[..., Any]:
        """As Faust does with isolated partitions: one actor for each topic and partition."""
        assert isolated_partitions

        def start(loop: Callable[..., Any]) -> Callable[..., Any]:
            for topic in topics:
                self.streams[topic] = FakeStream()
                self._running.append(asyncio.create_task(loop(self.streams[topic])))
            return loop

        return start

    def start(self) -> "AgentsWorld":
        agents.register(self, self.processor_pool, self.operations)
        return self

    async def stop(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def put(self, topic: str, *events: Event) -> None:
        """Let the topic's stream yield the events."""
        for event in events:
            offset, tp = self.offsets[topic], TP(topic, PARTITION)
            self.offsets[topic] += 1
            value, now = event.encode(), datetime.now(UTC).timestamp()
            message = Message(
                topic, PARTITION, offset, now, 0, None, event.key, value, None, tp=tp,
                generation_id=self.group.consumer_generation_id,
            )  # fmt: skip
            self.streams[topic].queue.put_nowait(FaustEvent(None, event.key, value, None, message))

    async def settled(self) -> None:
        """Return when every event was brought about and acknowledged."""
        await until(lambda: all(len(stream.acked) == self.offsets[topic] for topic, stream in self.streams.items()))
