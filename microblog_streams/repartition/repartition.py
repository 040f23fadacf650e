"""Moves a deployment to a topic set with more partitions, while it serves.

The number of partitions decides in which one a key's records are, so it cannot change under the followers table, whose
rows are kept beside them. A new topic set with more partitions, and a new table, are made beside the current ones:

1. ``settled`` → ``copying``: the new topics are created; the relay publishes every edge event on both topic sets.
2. ``copying`` → ``filled``: the new table's changelog is written from PostgreSQL. Changes during the copy are in the
   new topics, and the higher edge version wins. From here on, workers may run with the new topic set, to recover its
   table.
3. ``filled`` → ``switched``: posts go to the new topics. The brokers close the old topics for posts.
4. ``switched`` → ``draining``: when the old topic set has no unacknowledged post, edge events wait in the outbox. Not
   earlier: an unfollow removes the author's posts from a timeline, and must do so with both topic sets for as long as
   both add posts.
5. ``draining`` → ``settled``: the brokers close the old topics for edges, too, because a relay may still have records
   to send. When their events are acknowledged, the old topic set is out of use, and the waiting events go to the new
   one alone. So no effect of an event in the old topic set comes after that of a later event in the new one. The
   workers restart with the new topic set, one after the other.

A command that was interrupted continues in the phase in which it finds the deployment.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from microblog_streams.domain import topics
from microblog_streams.domain.deployment import Deployment, Phase
from microblog_streams.domain.errors import SetupError, StoreUnavailable
from microblog_streams.domain.topics import app_id
from microblog_streams.kafka.consumer_lag import Offsets
from microblog_streams.ports import Progress
from microblog_streams.repartition.topics import TopicSetTopics
from microblog_streams.stores.postgres.deployment import Repartition
from microblog_streams.stores.redis.worker_registry import Worker

_POLL_SECONDS: Final = 0.5
#: How long restarting workers are watched.
_RESTART_SECONDS: Final = 120.0


@dataclass(frozen=True)
class ProgressWaits:
    """Waits for the workers of a topic set. All methods raise StoreUnavailable."""

    offsets: Offsets
    workers: Callable[[], Awaitable[Sequence[Worker]]]
    #: Called with every poll; it raises if another command has taken over the repartition.
    keep: Callable[[], Awaitable[object]]
    progress: Progress

    async def wait_until_warm(self, topic_set: int, partitions: int) -> None:
        """Wait until workers own all partitions of a topic set, and have acknowledged its edge events.

        Only the events that exist when all partitions are owned: under load there are always newer ones.
        """
        self.progress.step("waiting for workers with MICROBLOG_GENERATION=next: partitions", partitions)
        while (owned := await self._owned(topic_set)) < partitions:
            self.progress.update(owned)
            await self._pause()
        self.progress.update(owned)
        ends = await self.offsets.end_offsets(_names(topics.EDGES, topic_set), partitions)
        while not await self.offsets.has_committed(app_id(topic_set), ends):
            await self._pause()

    async def wait_until_drained(self, what: str, logical: Sequence[str], topic_set: int, partitions: int) -> None:
        """Wait until the workers of a topic set have acknowledged all records of its ``logical`` topics."""
        total = await self._behind(logical, topic_set, partitions)
        self.progress.step(f"waiting for the delivery of old {what}", total)
        while behind := await self._behind(logical, topic_set, partitions):
            total = max(total, behind)
            self.progress.update(total - behind, total)
            await self._pause()

    async def wait_until_restarted(self, topic_set: int) -> Sequence[Worker]:
        """Wait until all workers run with a topic set; return those that do not after two minutes."""
        deadline = time.monotonic() + _RESTART_SECONDS
        self.progress.step("workers restart")
        while True:
            try:
                workers = await self.workers()
            except StoreUnavailable:
                return ()
            left = [worker for worker in workers if worker.generation != topic_set]
            self.progress.update(len(workers) - len(left), len(workers))
            if not left or time.monotonic() > deadline:
                return left
            await asyncio.sleep(_POLL_SECONDS)

    async def has_begun(self, topic_set: int, partitions: int) -> bool:
        """Return whether workers run with a topic set, or have acknowledged any of its edge events."""
        if await self._workers_of(topic_set):
            return True
        names = _names(topics.EDGES, topic_set)
        acknowledged = [(await self.offsets.progress(app_id(topic_set), name, partitions))[0] for name in names]
        return any(acknowledged)

    async def count_expired(self, topic_set: int, partitions: int) -> int:
        """Return how many edge events of a topic set expired before its workers acknowledged them."""
        return await self.offsets.expired(app_id(topic_set), _names(topics.EDGES, topic_set), partitions)

    async def _owned(self, topic_set: int) -> int:
        return len({partition for worker in await self._workers_of(topic_set) for partition in worker.partitions})

    async def _workers_of(self, topic_set: int) -> list[Worker]:
        return [worker for worker in await self.workers() if worker.generation == topic_set]

    async def _behind(self, logical: Sequence[str], topic_set: int, partitions: int) -> int:
        return await self.offsets.total_lag(app_id(topic_set), _names(logical, topic_set), partitions)

    async def _pause(self) -> None:
        await self.keep()
        await asyncio.sleep(_POLL_SECONDS)


def _names(logical: Sequence[str], topic_set: int) -> list[str]:
    return [topics.topic_name(name, topic_set) for name in logical]


@dataclass(frozen=True)
class RepartitionRun:
    """One run of the command. ``run`` and ``abandon`` raise SetupError, StoreUnavailable."""

    #: The row in PostgreSQL, locked by this run.
    row: Repartition
    topics: TopicSetTopics
    waits: ProgressWaits
    progress: Progress
    #: If true, posts go to the new topic set only when workers have recovered its table.
    warm: bool = False

    async def run(self, partitions: int) -> Deployment:
        """Repartition, or continue an interrupted run; return the deployment afterwards."""
        deployment = await self._begin(await self.row.read(), partitions)
        steps = {
            Phase.COPYING: self._fill,
            Phase.FILLED: self._switch,
            Phase.SWITCHED: self._drain_posts,
            Phase.DRAINING: self._drain_edges,
        }
        while deployment.phase is not Phase.SETTLED:
            deployment = await steps[deployment.phase](deployment)
        return deployment

    async def abandon(self) -> Deployment:
        """Return to the old topic set; return the deployment afterwards."""
        deployment = await self.row.read()
        if deployment.phase in (Phase.SWITCHED, Phase.DRAINING):
            raise SetupError("posts go to the new topics already: run grow-partitions to its end")
        if deployment.phase is Phase.FILLED and await self.waits.has_begun(*_next_topic_set(deployment)):
            # They may have applied an unfollow, and not the follow after it.
            raise SetupError("workers run in the next generation already, or did: run grow-partitions to its end")
        return await self.row.abandon()

    async def _begin(self, deployment: Deployment, partitions: int) -> Deployment:
        if deployment.phase is not Phase.SETTLED:
            if deployment.next_partitions != partitions:
                raise SetupError(
                    f"a move to {deployment.next_partitions} partitions has begun: complete that one first"
                )
            return deployment
        if partitions == deployment.partitions:
            return deployment
        if partitions < deployment.partitions:
            raise SetupError(f"the topics have {deployment.partitions} partitions: give a higher number")
        self.progress.step("creating the topics")
        topic_set = await self.row.number()
        await self.topics.create(topic_set, partitions)
        return await self.row.begin(topic_set, partitions)

    async def _fill(self, deployment: Deployment) -> Deployment:
        self.progress.step("copying the followers table", await self.topics.estimate())
        written = await self.topics.fill(*_next_topic_set(deployment), self._copied)
        self.progress.update(written, written)
        return await self.row.advance(Phase.COPYING, Phase.FILLED)

    async def _copied(self, rows: int) -> None:
        await self.row.keep()
        self.progress.update(rows)

    async def _switch(self, deployment: Deployment) -> Deployment:
        if self.warm:
            await self.waits.wait_until_warm(*_next_topic_set(deployment))
        if expired := await self.waits.count_expired(*_next_topic_set(deployment)):
            raise SetupError(f"{expired} events of the next generation expired: use --abandon, and begin again")
        return await self.row.advance(Phase.FILLED, Phase.SWITCHED)

    async def _drain_posts(self, deployment: Deployment) -> Deployment:
        self.progress.step("closing the old topics for posts")
        await self.topics.close(topics.POSTS, deployment.generation)
        await self.waits.wait_until_drained("posts", topics.POSTS, deployment.generation, deployment.partitions)
        return await self.row.advance(Phase.SWITCHED, Phase.DRAINING)

    async def _drain_edges(self, deployment: Deployment) -> Deployment:
        self.progress.step("closing the old topics for follows")
        await self.topics.close(topics.EDGES, deployment.generation)
        await self.waits.wait_until_drained("follows", topics.EDGES, deployment.generation, deployment.partitions)
        return await self.row.complete()


def _next_topic_set(deployment: Deployment) -> tuple[int, int]:
    """Return the number of the next topic set, and its number of partitions, during a repartition."""
    assert deployment.next_generation is not None
    assert deployment.next_partitions is not None
    return deployment.next_generation, deployment.next_partitions
