"""Growing the partitions while everything goes on: a move to the next generation of topics and tables.

The number of a topic's partitions decides where a key's records are, so it cannot change under a table that is kept
beside them. A generation with more partitions is made beside the present one instead:

1. settled → copying: the new topics are made; the relay sends every edge event to both generations.
2. copying → filled: the new table's changelog is written from PostgreSQL. Whatever changes meanwhile is in the new
   topics, and versions decide. From here on workers may run in the new generation, to be ready when it takes over.
3. filled → switched: posts go to the new topics, and the old ones for posts are closed by the brokers themselves.
4. switched → draining: once the old generation has brought about all its posts, edge events wait in the outbox. Not
   before: an unfollow takes the author's posts out of a timeline, and must do so in both generations for as long as
   both put posts in.
5. draining → settled: the old topics for edges are closed, too, against what a relay still has in hand. Once the old
   generation has brought about all of theirs, it is over, and what waited goes to the new one alone. So no effect of
   the old one comes after that of a later event in the new one. Its workers start again in the new generation, one
   after the other.

A command that was interrupted goes on from the phase in which it finds the deployment.
"""

from dataclasses import dataclass

from microblog_streams.commands.progress_bar import Report
from microblog_streams.domain import topics
from microblog_streams.domain.deployment import Deployment, Phase
from microblog_streams.domain.errors import SetupError
from microblog_streams.repartition.progress_waits import ProgressWaits
from microblog_streams.repartition.topics import GrowingTopics
from microblog_streams.stores.postgres.deployment import Repartition


@dataclass(frozen=True)
class Growth:
    """One move, with what it needs. ``run`` and ``abandon`` raise SetupError, StoreUnavailable."""

    move: Repartition
    topics: GrowingTopics
    waits: ProgressWaits
    report: Report
    warm: bool = False

    async def run(self, partitions: int) -> Deployment:
        """Make the move, or go on with it; return the deployment as it is then."""
        deployment = await self._begun(await self.move.look(), partitions)
        steps = {
            Phase.COPYING: self._fill,
            Phase.FILLED: self._switch,
            Phase.SWITCHED: self._drain_posts,
            Phase.DRAINING: self._settle,
        }
        while deployment.phase is not Phase.SETTLED:
            deployment = await steps[deployment.phase](deployment)
        return deployment

    async def abandon(self) -> Deployment:
        """Go back to where the move began; return the deployment as it is then."""
        deployment = await self.move.look()
        if deployment.phase in (Phase.SWITCHED, Phase.DRAINING):
            raise SetupError("posts go to the new topics already: run grow-partitions to its end")
        if deployment.phase is Phase.FILLED and await self.waits.begun(*_leads_to(deployment)):
            # They may have brought about an unfollow and not yet the follow after it.
            raise SetupError("workers run in the next generation already, or did: run grow-partitions to its end")
        return await self.move.abandon()

    async def _begun(self, deployment: Deployment, partitions: int) -> Deployment:
        if deployment.phase is not Phase.SETTLED:
            if deployment.next_partitions != partitions:
                raise SetupError(f"a move to {deployment.next_partitions} partitions is under way: end that one first")
            return deployment
        if partitions == deployment.partitions:
            return deployment
        if partitions < deployment.partitions:
            raise SetupError(f"the topics have {deployment.partitions} partitions: name a higher number")
        self.report.step("making the topics")
        generation = await self.move.number()
        await self.topics.create(generation, partitions)
        return await self.move.begin(generation, partitions)

    async def _fill(self, deployment: Deployment) -> Deployment:
        self.report.step("copying the followers table", await self.topics.estimate())
        written = await self.topics.fill(*_leads_to(deployment), self._copied)
        self.report.at(written, written)
        return await self.move.advance(Phase.COPYING, Phase.FILLED)

    async def _copied(self, rows: int) -> None:
        await self.move.keep()
        self.report.at(rows)

    async def _switch(self, deployment: Deployment) -> Deployment:
        if self.warm:
            await self.waits.warmed(*_leads_to(deployment))
        if expired := await self.waits.expired(*_leads_to(deployment)):
            raise SetupError(f"{expired} events of the next generation expired: give --abandon, and begin again")
        return await self.move.advance(Phase.FILLED, Phase.SWITCHED)

    async def _drain_posts(self, deployment: Deployment) -> Deployment:
        self.report.step("closing the old topics for posts")
        await self.topics.close(topics.POSTS, deployment.generation)
        await self.waits.drained("posts", topics.POSTS, deployment.generation, deployment.partitions)
        return await self.move.advance(Phase.SWITCHED, Phase.DRAINING)

    async def _settle(self, deployment: Deployment) -> Deployment:
        self.report.step("closing the old topics for follows")
        await self.topics.close(topics.EDGES, deployment.generation)
        await self.waits.drained("follows", topics.EDGES, deployment.generation, deployment.partitions)
        return await self.move.settle()


def _leads_to(deployment: Deployment) -> tuple[int, int]:
    """Return the next generation and its partitions, of a move that is under way."""
    assert deployment.next_generation is not None
    assert deployment.next_partitions is not None
    return deployment.next_generation, deployment.next_partitions
