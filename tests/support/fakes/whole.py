"""Everything at once: people act, events are brought about by workers that come and go, and any call may fail.

Every call of a store is a step of its own, so anything can happen between any two. Events keep what Kafka keeps: the
order within a topic's partition. ``deliver``'s part is played here: rows in that order, effects side by side, tried
again until they succeed, and all that was not acknowledged once more after a rebalance.
"""

import asyncio
import contextlib
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from microblog_streams.domain import topics
from microblog_streams.domain.errors import Blocked, Conflict, NotFound, Transient
from microblog_streams.domain.events import Event, PostCreated, PostDeleted
from microblog_streams.domain.models import Edge
from microblog_streams.operations import Operations, operations
from tests.support.fakes.gate import Gate, Gated
from tests.support.fakes.lease import FakeLease
from tests.support.fakes.world import EVENTS, World

PARTITIONS = 2
#: The stores by the server that they are part of.
SERVERS = {
    "log": "kafka",
    "users": "postgres",
    "follows": "postgres",
    "blocks": "postgres",
    "posts": "cassandra",
    "timelines": "redis",
    "post_cache": "redis",
    "user_cache": "redis",
}


@dataclass
class PartitionProcessor:
    """One partition of one topic: its events, how many were taken, and which effects are not finished."""

    events: list[Event] = field(default_factory=list)
    taken: int = 0
    running: dict[int, asyncio.Task[None]] = field(default_factory=dict)


class Whole:
    """The system on stores in memory, behind a gate."""

    def __init__(self, kept: int) -> None:
        self.gate = Gate()
        self.world = World(kept)
        self.people: list[int] = []
        self.published = 0
        self.processors = {(topic, part): PartitionProcessor() for topic in EVENTS for part in range(PARTITIONS)}
        self.leases = [FakeLease() for _ in range(PARTITIONS)]
        self.workers = [self.worker() for _ in range(PARTITIONS)]
        self.front = self.worker()
        self.acts: list[asyncio.Task[Any]] = []
        self.seen: list[list[UUID]] = []

    def worker(self) -> Operations:
        stores = self.world.stores()
        gated = {part: Gated(getattr(stores, part), self.gate, name) for part, name in SERVERS.items()}
        return operations(replace(stores, **gated))  # type: ignore[arg-type]

    # What people do

    def act(self, work: Coroutine[Any, Any, object]) -> None:
        """Begin a user's request; it may fail with an error that the user sees."""
        self.acts.append(asyncio.create_task(_forgiven(work)))

    async def register(self, name: str) -> None:
        self.people.append((await self.front.users.create(name)).id)

    async def read(self, user: int, limit: int) -> None:
        """Read all pages; what is seen is in order, and each post once."""
        position, ids = None, []
        while True:
            page = await self.front.timelines.older(user, position, limit)
            ids += [item.id for item in page.items]
            assert ids == sorted(set(ids), reverse=True)
            if (position := page.next) is None:
                self.seen.append(ids)
                return

    # What workers do

    async def relay(self) -> None:
        """Publish what waits in the outbox, and see what is new in the log."""
        await self.world.relay()
        for published in self.world.log.events[self.published :]:
            event = EVENTS[published.topic].model_validate_json(published.value)
            self.processors[published.topic, event.owner % PARTITIONS].events.append(event)
        self.published = len(self.world.log.events)

    def take(self, index: int) -> bool:
        """Take the next event of one of the processors that have one: write its row and begin its effect."""
        waiting = [key for key, processor in self.processors.items() if processor.taken < len(processor.events)]
        if not waiting:
            return False
        topic, part = waiting[index % len(waiting)]
        processor = self.processors[topic, part]
        event, number = processor.events[processor.taken], processor.taken
        processor.taken += 1
        self._record(event, part)
        processor.running[number] = asyncio.create_task(self._apply(event, part, processor, number))
        return True

    def _record(self, event: Event, part: int) -> None:
        worker, lease = self.workers[part], self.leases[part]
        if hasattr(event, "version"):
            worker.edges.record(event, lease)
        elif not isinstance(event, PostCreated):
            worker.deletions.record(event, lease)

    async def _apply(self, event: Event, part: int, processor: PartitionProcessor, number: int) -> None:
        worker, lease = self.workers[part], self.leases[part]
        agents = {PostCreated: worker.fan_out.deliver, PostDeleted: worker.deletions.apply}
        while True:
            try:
                if hasattr(event, "version"):
                    await worker.edges.apply(event, lease)
                else:
                    await agents.get(type(event), worker.deletions.apply)(event, lease)
            except Transient:
                await self.gate.turn()
            else:
                del processor.running[number]
                return

    async def rebalance(self, part: int, again: int) -> None:
        """Give a partition to a new worker, which reads on at the commit: up to ``again`` finished ones once more."""
        self.workers[part] = self.worker()
        for (_, of), processor in self.processors.items():
            if of == part:
                acknowledged = min(processor.running, default=processor.taken)
                tasks = list(processor.running.values())
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                processor.running.clear()
                processor.taken = max(acknowledged - again, 0)

    async def let_all_finish(self) -> None:
        """Let all come to its end, without faults."""
        self.gate.let_all_go()
        busy = True
        while busy:
            await asyncio.gather(*self.acts)
            await self.relay()
            while self.take(0):
                pass
            running = [task for processor in self.processors.values() for task in processor.running.values()]
            await asyncio.gather(*running)
            busy = bool(running) or bool(self.world.database.outbox)
        self.gate.open = False
        self.acts.clear()

    # What must be true

    def expected(self, user: int) -> list[UUID]:
        """Return what the log says: all undeleted posts of the user and of those followed, by id."""
        people, edges = self.world.database.users, self.world.database.edges.values()
        authors = {user, *(edge.followee for edge in edges if edge.follower == user and edge.following)} & set(people)
        gone = {event.post_id for event in self._events(topics.POST_DELETED)}
        made = {event.post_id for event in self._events(topics.POST_CREATED) if event.user_id in authors}
        return sorted(made - gone, reverse=True)

    def followed_although_blocked(self) -> list[Edge]:
        """Return the edges that no block can be beside."""
        database = self.world.database
        pairs = {frozenset(pair) for pair in database.blocks}
        return [edge for edge in database.edges.values() if edge.following and {edge.follower, edge.followee} in pairs]

    def _events(self, topic: str) -> list[Any]:
        return [event for part in range(PARTITIONS) for event in self.processors[topic, part].events]


async def _forgiven(work: Coroutine[Any, Any, object]) -> None:
    with contextlib.suppress(Transient, NotFound, Conflict, Blocked):
        await work
