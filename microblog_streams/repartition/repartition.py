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

from dataclasses import dataclass

from microblog_streams.domain import topics
from microblog_streams.domain.deployment import Deployment, Phase
from microblog_streams.domain.errors import SetupError
from microblog_streams.ports import Progress
from microblog_streams.repartition.progress_waits import ProgressWaits
from microblog_streams.repartition.topics import TopicSetTopics
from microblog_streams.stores.postgres.deployment import Repartition


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
