"""Growing the partitions while everything goes on: a move to the next generation of topics and tables.

The number of a topic's partitions decides where a key's records are, so it cannot change under a table that is kept
beside them. A generation with more partitions is made beside the present one instead:

1. settled → copying: the new topics are made; the relay sends every edge event to both generations.
2. copying → filled: the new table's changelog is written from PostgreSQL. Whatever changes meanwhile is in the new
   topics, and versions decide. From here on workers may run in the new generation, to be ready when it takes over.
3. filled → switched: posts go to the new topics, and the old ones for posts are closed by the brokers themselves.
4. switched → draining: once the old generation has brought about all its posts, edge events go to the new one alone.
   Not before: an unfollow takes the author's posts out of a timeline, and must do so in both generations for as long as
   both put posts in.
5. draining → settled: once the old generation has brought about all its edge events, it is over. Its workers start
   again in the new one, one after the other.

A command that was interrupted goes on from the phase in which it finds the deployment.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from microblog_streams import topics
from microblog_streams.commands.fence import close_topics
from microblog_streams.commands.kafka_topics import create_topics
from microblog_streams.commands.table_copy import TableCopy
from microblog_streams.configuration import app_id
from microblog_streams.errors import SetupError
from microblog_streams.services.kafka_clients import client_options
from microblog_streams.services.lag import Offsets
from microblog_streams.settings import Settings
from microblog_streams.stores.deployment import Deployment, Phase
from microblog_streams.stores.follows import Follows
from microblog_streams.stores.moves import Move
from microblog_streams.stores.roster import Worker
from microblog_streams.stores.users import Users

#: Seconds between looks at what is waited for.
_GLANCE: Final = 0.5


class Report(Protocol):
    """Where a person sees how it goes."""

    def step(self, text: str, total: int | None = None) -> None:
        """Begin a step."""
        ...

    def at(self, done: int, total: int | None = None) -> None:
        """Say how far the step has come."""
        ...


@dataclass
class Growth:
    """One move, with what it needs."""

    settings: Settings
    move: Move
    follows: Follows
    users: Users
    offsets: Offsets
    workers: Callable[[], Awaitable[Sequence[Worker]]]
    report: Report
    warm: bool = False

    async def run(self, partitions: int) -> Deployment:
        """Make the move, or go on with it; return the deployment as it is then. Raises SetupError, StoreUnavailable."""
        deployment = await self._begun(await self.move.look(), partitions)
        steps = {
            Phase.COPYING: self._fill,
            Phase.FILLED: self._switch,
            Phase.SWITCHED: self._close_posts,
            Phase.DRAINING: self._settle,
        }
        while deployment.phase is not Phase.SETTLED:
            deployment = await steps[deployment.phase](deployment)
        return deployment

    async def _begun(self, deployment: Deployment, partitions: int) -> Deployment:
        if deployment.phase is not Phase.SETTLED:
            if deployment.next_partitions != partitions:
                raise SetupError(f"a move to {deployment.next_partitions} partitions is under way: end that one first")
            return deployment
        if partitions <= deployment.partitions:
            raise SetupError(f"the topics have {deployment.partitions} partitions: name a higher number")
        self.report.step("making the topics")
        generation = await self.move.number()
        await create_topics(self.settings, generation, partitions)
        return await self.move.begin(generation, partitions)

    async def _fill(self, deployment: Deployment) -> Deployment:
        generation, partitions = _leads_to(deployment)
        self.report.step("copying the followers table", await self.follows.estimate())
        copy = TableCopy(self.follows, self.users, generation, partitions)
        written = await copy.run(client_options(self.settings), self.report.at)
        self.report.at(written, written)
        return await self.move.advance(Phase.COPYING, Phase.FILLED)

    async def _switch(self, deployment: Deployment) -> Deployment:
        if self.warm:
            await self._warmed(*_leads_to(deployment))
        return await self.move.advance(Phase.FILLED, Phase.SWITCHED)

    async def _warmed(self, generation: int, partitions: int) -> None:
        """Wait for workers of the next generation that have all its partitions and have caught up."""
        self.report.step("waiting for workers with MICROBLOG_GENERATION=next: partitions", partitions)
        while True:
            owned = {
                part for worker in await self.workers() if worker.generation == generation for part in worker.partitions
            }
            self.report.at(len(owned))
            if len(owned) == partitions and not await self._behind(topics.EDGES, generation, partitions):
                return
            await asyncio.sleep(_GLANCE)

    async def _close_posts(self, deployment: Deployment) -> Deployment:
        self.report.step("closing the old topics for posts")
        names = [topics.topic_name(name, deployment.generation) for name in topics.POSTS]
        await close_topics(client_options(self.settings), names)
        await self._drained("posts", topics.POSTS, deployment)
        return await self.move.advance(Phase.SWITCHED, Phase.DRAINING)

    async def _settle(self, deployment: Deployment) -> Deployment:
        await self._drained("follows", topics.EDGES, deployment)
        return await self.move.settle()

    async def _drained(self, what: str, logical: Sequence[str], deployment: Deployment) -> None:
        """Wait until the workers of the present generation have brought about what its topics hold."""
        first = await self._behind(logical, deployment.generation, deployment.partitions)
        self.report.step(f"waiting for the delivery of old {what}", first)
        while behind := await self._behind(logical, deployment.generation, deployment.partitions):
            first = max(first, behind)
            self.report.at(first - behind, first)
            await asyncio.sleep(_GLANCE)

    async def _behind(self, logical: Sequence[str], generation: int, partitions: int) -> int:
        names = [topics.topic_name(name, generation) for name in logical]
        return await self.offsets.behind(app_id(generation), names, partitions)


def _leads_to(deployment: Deployment) -> tuple[int, int]:
    """Return the next generation and its partitions, of a move that is under way."""
    assert deployment.next_generation is not None
    assert deployment.next_partitions is not None
    return deployment.next_generation, deployment.next_partitions
