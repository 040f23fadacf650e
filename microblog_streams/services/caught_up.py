"""Waits until all that is on its way at a moment has been brought about: relayed, delivered, acknowledged.

An event is acknowledged only after its effect, in the order of its partition. So once the outbox has nothing left that
was there then, and the group has acknowledged all that Kafka held after that, every change that was answered before
the moment shows everywhere. What comes later is not waited for, or it would never end.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final, Protocol

from microblog_streams.domain.deployment import Deployment, Phase
from microblog_streams.domain.errors import Conflict, StoreUnavailable
from microblog_streams.domain.topics import SOURCES, app_id, topic_name
from microblog_streams.kafka.consumer_lag import Ends
from microblog_streams.ports import Outbox

#: Seconds before the wait begins: best-effort steps of requests (an author's own timeline) are no events.
GAP: Final = 2.0
#: Seconds between looks.
GLANCE: Final = 0.2
#: Seconds after which it is given up: a partition may have been halted.
PATIENCE: Final = 60.0


class Acknowledged(Protocol):
    """What is asked of ``services.lag.Offsets``."""

    async def ends(self, topics: list[str], partitions: int) -> Ends:
        """Return where the records that there are now end."""
        ...

    async def reached(self, group: str, ends: Ends) -> bool:
        """Tell whether a group has acknowledged all before these ends."""
        ...


@dataclass(frozen=True)
class CaughtUp:
    """The wait of one deployment. ``connect`` lends a connection to Kafka.

    ``compared`` tells whether all that PostgreSQL has lost was found: what follows from it is on its way then.
    """

    outbox: Outbox
    deployment: Callable[[], Awaitable[Deployment]]
    connect: Callable[[], AbstractAsyncContextManager[Acknowledged]]
    compared: Callable[[Deployment], Awaitable[bool]]

    async def wait_until_caught_up(self) -> None:
        """Wait, a moment at least. Raises StoreUnavailable, also after ``PATIENCE``, and Conflict."""
        try:
            async with asyncio.timeout(PATIENCE):
                await asyncio.sleep(GAP)
                await self.wait()
        except TimeoutError:
            reason = f"some events were not brought about within {PATIENCE:g} s: see /health of the workers"
            raise StoreUnavailable("kafka", reason) from None

    async def wait(self) -> None:
        """Wait for as long as it takes. Raises StoreUnavailable; Conflict while partitions are grown."""
        deployment = await self.check()
        await _until(lambda: self.compared(deployment))
        await self._relayed()
        async with self.connect() as kafka:
            names = [topic_name(logical, deployment.generation) for logical in SOURCES]
            ends = await kafka.ends(names, deployment.partitions)
            await _until(lambda: kafka.reached(app_id(deployment.generation), ends))

    async def check(self) -> Deployment:
        """Raise Conflict while partitions are grown: two generations have events on their way then."""
        deployment = await self.deployment()
        if deployment.phase is not Phase.SETTLED:
            raise Conflict("grow-partitions is under way: try again when it has ended")
        return deployment

    async def _relayed(self) -> None:
        newest = await self.outbox.newest()

        async def gone() -> bool:
            oldest = await self.outbox.oldest()
            return oldest is None or oldest > newest

        await _until(gone)


async def _until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Look until it is so: nobody tells when."""
    while True:
        if await condition():
            return
        await asyncio.sleep(GLANCE)
