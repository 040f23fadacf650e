"""Rebuilding a cold timeline, when somebody reads it: one builder at a time, beside the pushes that go on meanwhile.

The mark ``building`` lets pushes land from the first moment on, so nothing is missed between reading the posts and
writing the list. A follow or unfollow that takes effect meanwhile counts up the mark, and then the followees are read
again. A builder that fails removes what it began; one that died leaves its mark behind, and whoever waited long enough
takes it over.
"""

import asyncio
import logging
from dataclasses import dataclass, field
from time import monotonic

from microblog_streams.operations.attempts import attempt
from microblog_streams.operations.history import History
from microblog_streams.stores.interfaces import Building, TimelineStore

logger = logging.getLogger(__name__)

#: Seconds after which another's rebuild is thought dead: twice what one of 5,000 followees may take.
PATIENCE = 5.0
#: Rebuilds of one worker at a time; the others wait for their turn, without a mark. Each may read from hundreds of
#: authors, and the post store answers only so many at once: 64 side by side all took so long that they were thought
#: dead, taken over and begun again, and none came to its end.
BUILDERS = 4
#: Seconds between looks at another's rebuild.
GLANCE = 0.02


@dataclass(frozen=True)
class Rebuild:
    """Turns cold timelines into warm ones."""

    timelines: TimelineStore
    history: History
    room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(BUILDERS))

    async def warm(self, user: int) -> None:
        """Return when the timeline is warm. Raises StoreUnavailable."""
        overdue: bytes | None = None
        while True:
            async with self.room:
                building = await self.timelines.begin(user, overdue)
                if building is not None and await self._build_or_let_go(user, building):
                    return
            overdue = await self._wait(user)
            if overdue is None:
                return

    async def _build_or_let_go(self, user: int, building: Building) -> bool:
        """Build; whoever cannot (a store is away, the reader has gone) leaves the timeline cold for the next reader."""
        try:
            return await self._build(user, building)
        except BaseException:
            await attempt("let_go_of_rebuild", self._let_go(user, building.token), None)
            raise

    async def _let_go(self, user: int, token: bytes) -> None:
        now = await self.timelines.building(user)
        if now is not None and now.token == token:
            await self.timelines.remove(user)

    async def _build(self, user: int, building: Building) -> bool:
        token, kept = building.token, self.timelines.kept
        while building.token == token:
            entries = await self.history.older(user, None, kept)
            if await self.timelines.finish(user, building, entries, complete=len(entries) < kept):
                logger.info("timeline_rebuilt user=%d entries=%d", user, len(entries))
                return True
            again = await self.timelines.building(user)
            if again is None:
                return False
            building = again
        return False

    async def _wait(self, user: int) -> bytes | None:
        """Wait for another's rebuild; return its token where it is thought dead, None where none is under way."""
        deadline = monotonic() + PATIENCE
        while (other := await self.timelines.building(user)) is not None:
            if monotonic() > deadline:
                logger.warning("timeline_rebuild_overdue user=%d", user)
                return other.token
            await asyncio.sleep(GLANCE)
        return None
